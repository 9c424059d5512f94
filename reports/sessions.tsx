/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { oneLine } from '../src/core/harmless.ts';
import type { Report } from './model.ts';
import { Badge, CountTable, Table } from './parts.tsx';
import { causeWords, roundText, stateWords } from './words.ts';

/** The rounds of each session, in the order of play. */
export function Sessions({ report, most }: { report: Report; most: number }) {
  const { sessions, splits } = report;
  if (sessions.length === 0) return null;
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">Sessions</h2>
      <CountTable caption="Rounds by session" by="session" rows={splits.session} />
      {sessions.map(({ session, rounds }) => (
        <Table
          caption={`Rounds of session ${session ?? 'none'}`}
          head={['played', 'map', 'round', 'state', 'cause', 'module', 'flags']}
        >
          {rounds.slice(0, most).map((line) => (
            <tr>
              <td class="t">{oneLine(line.played)}</td>
              <th scope="row">{roundText(line)}</th>
              <td>{line.roundId}</td>
              <td>
                <Badge
                  name={line.state}
                  words={line.state === 'open' ? line.verdict : stateWords[line.state]}
                />
              </td>
              <td>{line.cause === null ? '' : causeWords[line.cause]}</td>
              <td>{oneLine(line.moduleVersion ?? 'unknown')}</td>
              <td>{line.flags.join(', ')}</td>
            </tr>
          ))}
          {rounds.length > most ? (
            <tr>
              <td colspan={7}>and {rounds.length - most} more</td>
            </tr>
          ) : null}
        </Table>
      ))}
    </section>
  );
}
