/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { raw } from 'hono/html';
import { oneLine } from '../src/core/harmless.ts';
import { Exceptions } from './exceptions.tsx';
import { Health } from './health.tsx';
import type { Report } from './model.ts';
import { Duplicates, Repairs } from './repairs.tsx';
import { inRoom, type Room, rooms } from './room.ts';
import { Sessions } from './sessions.tsx';
import { Splits } from './splits.tsx';
import { reportStyle } from './style.ts';
import { type Showing, Trend } from './trend.tsx';
import { distrust, equationText, instantText, moreText } from './words.ts';

/** A page without its pictures stays below this, in bytes: mail programs cut what is longer. */
export const mostBytes = 100_000;

/** Sums that do not hold. */
function Discrepancies({ report, most }: { report: Report; most: number }) {
  const { discrepancies } = report;
  if (discrepancies.length === 0) return null;
  const left = discrepancies.length - most;
  return (
    <div class="alarm" role="alert">
      <p>{distrust}</p>
      <ul>
        {discrepancies.slice(0, most).map((one) => (
          <li>{oneLine(one)}</li>
        ))}
        {left > 0 ? <li>{moreText(left)}</li> : null}
      </ul>
    </div>
  );
}

function Document({ report, showing, room }: { report: Report; showing: Showing; room: Room }) {
  const { title, state, asOf, zone, source, coverage } = report;
  const { rows } = room;
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
          <Discrepancies report={report} most={rows} />
        </header>
        <main>
          <Exceptions report={report} room={room} />
          <Sessions report={report} room={room} />
          <Splits report={report} most={rows} />
          <Trend report={report} showing={showing} most={rows} />
          <Repairs report={report} most={rows} />
          <Duplicates report={report} most={rows} />
          <Health report={report} most={rows} />
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

/** The report as one HTML page: no script, nothing loaded from elsewhere, below `mostBytes` without its pictures. */
export function htmlReport(report: Report, showing: Showing): string {
  let [html, shown] = ['', report];
  for (const room of rooms) {
    // Cut from the cut one: whatever a text holds is looked through once.
    shown = inRoom(shown, room);
    html = `<!doctype html>\n${(<Document report={shown} showing={showing} room={room} />).toString()}\n`;
    if (Buffer.byteLength(withoutPictures(html)) < mostBytes) break;
  }
  return html;
}
