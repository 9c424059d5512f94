/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { raw } from 'hono/html';
import type { Chart } from './charts.ts';
import type { Report } from './model.ts';
import { CountTable, Table } from './parts.tsx';
import { liveCells, liveColumns, playedDays } from './trend-words.ts';

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

/** The numbers of both charts. */
function SeriesTable({ report, most }: { report: Report; most: number }) {
  const played = playedDays(report);
  return (
    <>
      <CountTable
        caption="Rounds by day, 30 days; days that are not named had no rounds played"
        by="day"
        rows={played.map(({ day, coverage }) => ({ name: day, coverage }))}
      />
      <Table
        caption="Covered by the live pipeline, and second rounds without a capture"
        head={['day', ...liveColumns]}
      >
        {played.map((point) => (
          <tr>
            <th scope="row">{point.day}</th>
            {liveCells(point, Math.min(mostMissed, most)).map((cell) => (
              <td>{cell}</td>
            ))}
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
