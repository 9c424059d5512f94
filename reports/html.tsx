/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { raw } from 'hono/html';
import { oneLine } from '../src/core/harmless.ts';
import type { Chart } from './charts.ts';
import { Exceptions } from './exceptions.tsx';
import { Health } from './health.tsx';
import type { Report } from './model.ts';
import { Duplicates, Repairs } from './repairs.tsx';
import { Sessions } from './sessions.tsx';
import { Splits } from './splits.tsx';
import { reportStyle } from './style.ts';
import { type Picture, Trend } from './trend.tsx';
import { equationText, instantText } from './words.ts';

/** How a report is shown. */
export interface Showing {
  charts: readonly Chart[];
  picture: Picture;
}

/** How much is shown: rounds of a group and rows of a table, groups, and groups with their log lines. */
interface Room {
  rows: number;
  groups: number;
  evidence: number;
}

/** From all to little: mail programs cut a page at 100 kB. */
const rooms: readonly Room[] = [
  { rows: 200, groups: 40, evidence: 8 },
  { rows: 60, groups: 20, evidence: 4 },
  { rows: 30, groups: 10, evidence: 2 },
  { rows: 12, groups: 6, evidence: 0 },
];

/** A page without its pictures stays below this, in bytes. */
export const mostBytes = 100_000;

function Document({ report, showing, room }: { report: Report; showing: Showing; room: Room }) {
  const { title, state, asOf, zone, source, discrepancies, coverage } = report;
  const { charts, picture } = showing;
  const { rows, groups, evidence } = room;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{oneLine(title)}</title>
        <link rel="icon" href="data:," />
        <style>{raw(reportStyle)}</style>
      </head>
      <body>
        <a class="skip" href="#exceptions">
          Skip to the exceptions
        </a>
        <header>
          <p class="soft">
            Roundwarden, coverage of {oneLine(source)}; times of play in {zone}; as of {instantText(asOf)}
          </p>
          <h1 class={state}>{oneLine(title)}</h1>
          <p>{equationText(coverage)}</p>
          {discrepancies.length === 0 ? null : (
            <div class="alarm" role="alert">
              <p>The sums do not add up: this is a defect, and no number here can be trusted.</p>
              <ul>
                {discrepancies.map((one) => (
                  <li>{oneLine(one)}</li>
                ))}
              </ul>
            </div>
          )}
        </header>
        <main>
          <Exceptions report={report} detail={{ groups, rounds: rows, evidence }} />
          <Sessions report={report} most={rows} />
          <Splits report={report} most={rows} />
          <Trend report={report} charts={charts} picture={picture} />
          <Repairs report={report} most={rows} />
          <Duplicates report={report} most={rows} />
          <Health report={report} />
        </main>
        <footer>
          <p>
            Live: covered by the pipeline itself. Repaired: covered by a repair of Roundwarden. Open: not
            covered, and neither excused nor held. Lost: nothing fits in any place, and the settle time has
            passed. Each row is counted once.
          </p>
        </footer>
      </body>
    </html>
  );
}

const withoutPictures = (html: string) => html.replace(/<svg[\s\S]*?<\/svg>/g, '');

/** The report as one HTML page: no script, nothing loaded from elsewhere, below 100 kB without its pictures. */
export function htmlReport(report: Report, showing: Showing): string {
  let html = '';
  for (const room of rooms) {
    html = `<!doctype html>\n${(<Document report={report} showing={showing} room={room} />).toString()}\n`;
    if (Buffer.byteLength(withoutPictures(html)) < mostBytes) break;
  }
  return html;
}
