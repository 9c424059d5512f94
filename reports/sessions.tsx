/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { oneLine } from '../src/core/harmless.ts';
import type { Report, RoundLine } from './model.ts';
import { Badge, CountTable, Name, Played, Table } from './parts.tsx';
import { causeWords, dayOfAll, roundText, stateWords, waitsText } from './words.ts';

/** State and cause in one cell beside the name: on a phone they are what is seen without scrolling sideways. */
function State({ line, day }: { line: RoundLine; day: string | null }) {
  const { state, verdict, cause, waitsUntil } = line;
  return (
    <>
      <Badge name={state} words={state === 'open' ? verdict : stateWords[state]} />
      {cause === null ? null : ` ${causeWords[cause]}`}
      {waitsUntil === null ? null : ` ${waitsText(waitsUntil, day)}`}
    </>
  );
}

function Rounds(props: { session: number | null; rounds: readonly RoundLine[]; most: number }) {
  const { session, rounds, most } = props;
  const day = dayOfAll(rounds);
  return (
    <Table
      caption={`Rounds of session ${session ?? 'none'}${day === null ? '' : ` on ${day}`}`}
      head={['played', 'map', 'state and cause', 'round', 'module', 'flags']}
    >
      {rounds.slice(0, most).map((line) => (
        <tr>
          <td class="t">
            <Played at={line.played} day={day} />
          </td>
          <th scope="row">
            <Name text={roundText(line)} />
          </th>
          <td class="why">
            <State line={line} day={day} />
          </td>
          <td>{line.roundId}</td>
          <td>{oneLine(line.moduleVersion ?? 'unknown')}</td>
          <td>{line.flags.join(', ')}</td>
        </tr>
      ))}
      {rounds.length > most ? (
        <tr>
          <td colspan={6}>and {rounds.length - most} more</td>
        </tr>
      ) : null}
    </Table>
  );
}

/** The rounds of each session, in the order of play. */
export function Sessions({ report, most }: { report: Report; most: number }) {
  const { sessions, splits } = report;
  if (sessions.length === 0) return null;
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">Sessions</h2>
      <CountTable caption="Rounds by session" by="session" rows={splits.session} />
      {sessions.map(({ session, rounds }) => (
        <Rounds session={session} rounds={rounds} most={most} />
      ))}
    </section>
  );
}
