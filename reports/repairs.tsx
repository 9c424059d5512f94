/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { oneLine } from '../src/core/harmless.ts';
import type { Report } from './model.ts';
import { Name, Played, Quotes, Table } from './parts.tsx';
import { duplicatesText, timesText } from './sentences.ts';
import { dayOfAll, moreText, roundText } from './words.ts';

/** What was repaired, from what. */
export function Repairs({ report, most }: { report: Report; most: number }) {
  const { repairs } = report;
  const day = dayOfAll(repairs);
  return (
    <section aria-labelledby="repairs">
      <h2 id="repairs">Repairs</h2>
      {repairs.length === 0 ? (
        <p>None was made.</p>
      ) : (
        <Table
          caption={day === null ? 'Repairs' : `Repairs of rounds played on ${day}`}
          head={['map', 'round', 'played', 'repair', 'from', 'distance', 'entry', 'SHA-256']}
        >
          {repairs.slice(0, most).map((repair) => (
            <tr>
              <th scope="row">
                <Name text={roundText(repair)} />
              </th>
              <td>{repair.roundId}</td>
              <td class="t">
                <Played at={repair.played} day={day} />
              </td>
              <td>{repair.reverted ? `${repair.kind}, reverted` : repair.kind}</td>
              <td>{oneLine(repair.from)}</td>
              <td>{repair.deltaSeconds} s</td>
              <td>{repair.entry}</td>
              <td>
                <code>{repair.sha256 ?? ''}</code>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {repairs.length > most ? <p>{moreText(repairs.length - most)}</p> : null}
    </section>
  );
}

/** Rounds that came in twice. */
export function Duplicates({ report, most }: { report: Report; most: number }) {
  const { duplicates } = report;
  if (duplicates.length === 0)
    return (
      <section aria-labelledby="duplicates">
        <h2 id="duplicates">Duplicate ingestion</h2>
        <p>{duplicatesText(report)}</p>
      </section>
    );
  return (
    <section aria-labelledby="duplicates">
      <h2 id="duplicates">Duplicate ingestion</h2>
      <p>{duplicatesText(report)}</p>
      <ul>
        {duplicates.slice(0, most).map((one) => (
          <li>
            <strong>{roundText(one)}</strong>: {timesText(one)}
          </li>
        ))}
        {duplicates.length > most ? <li>{moreText(duplicates.length - most)}</li> : null}
      </ul>
      <details>
        <summary>Lines of the first</summary>
        <Quotes lines={duplicates[0]!.lines} most={most} />
      </details>
    </section>
  );
}
