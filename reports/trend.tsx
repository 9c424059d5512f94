/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { raw } from 'hono/html';
import { missingTotal } from '../src/core/coverage.ts';
import type { Chart } from './charts.ts';
import type { Report } from './model.ts';
import { CountTable, Table } from './parts.tsx';
import { moreText } from './words.ts';

/** How a report is shown. */
export interface Showing {
  charts: readonly Chart[];
  /** Drawn in the page, or as pictures of the mail. */
  picture: 'svg' | 'cid';
}

function Figure({ chart, picture }: { chart: Chart } & Pick<Showing, 'picture'>) {
  return (
    <figure>
      {picture === 'svg' ? (
        raw(chart.svg)
      ) : (
        <img src={`cid:${chart.name}@roundwarden`} alt={chart.description} width="720" />
      )}
      <figcaption>
        <strong>{chart.title}</strong> <span class="soft">{chart.description}</span>
      </figcaption>
    </figure>
  );
}

/** In a table of thirty days so many rounds are named for each, at most. */
const mostMissed = 12;

function missedR2(ids: readonly number[], room: number): string {
  const most = Math.min(mostMissed, room);
  const named = ids.slice(0, most).join(', ');
  return ids.length <= most ? named : `${named} ${moreText(ids.length - most)}`;
}

/** The numbers of both charts. */
function SeriesTable({ report, most }: { report: Report; most: number }) {
  const played = report.series.flatMap(({ coverage, ...day }) =>
    coverage === null ? [] : [{ ...day, coverage }],
  );
  return (
    <>
      <CountTable
        caption="Rounds by day, 30 days; days that are not named had no rounds played"
        by="day"
        rows={played.map(({ day, coverage }) => ({ name: day, coverage }))}
      />
      <Table
        caption="Covered by the live pipeline, and second rounds without a capture"
        head={['day', 'R1 live', 'R2 live', 'missing', 'missing R2', 'rounds that miss R2', 'mark']}
      >
        {played.map(({ day, coverage, r1, r2, missingR2: ids, unlikely }) => (
          <tr>
            <th scope="row">{day}</th>
            <td>{r1.expected === 0 ? 'none played' : `${r1.live} of ${r1.expected}`}</td>
            <td>{r2.expected === 0 ? 'none played' : `${r2.live} of ${r2.expected}`}</td>
            <td>{missingTotal(coverage)}</td>
            <td>{ids.length}</td>
            <td>{missedR2(ids, most)}</td>
            <td>{unlikely ? 'unusually few R2' : ''}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}

/** The charts of 30 days, each with its numbers. */
export function Trend({ report, showing, most }: { report: Report; showing: Showing; most: number }) {
  const { charts, picture } = showing;
  return (
    <section aria-labelledby="trend">
      <h2 id="trend">Trend</h2>
      {charts.map((chart) => (
        <Figure chart={chart} picture={picture} />
      ))}
      <details>
        <summary>The numbers of both charts</summary>
        <SeriesTable report={report} most={most} />
      </details>
    </section>
  );
}
