/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { counted } from '../src/core/counted.ts';
import { oneLine } from '../src/core/harmless.ts';
import type { Report, RoundLine } from './model.ts';
import { Badge, CountTable, Name, Played, Table } from './parts.tsx';
import type { Room } from './room.ts';
import { causeWords, dayOfAll, inJson, moreText, roundText, stateWords, waitsText } from './words.ts';

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
          <td colspan={6}>{moreText(rounds.length - most)}</td>
        </tr>
      ) : null}
    </Table>
  );
}

/** The rounds of each session, in the order of play. */
export function Sessions({ report, room }: { report: Report; room: Room }) {
  const { sessions, splits } = report;
  if (sessions.length === 0) return null;
  const left = sessions.length - room.groups;
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">Sessions</h2>
      <CountTable caption="Rounds by session" by="session" rows={splits.session} most={room.rows} />
      {sessions.slice(0, room.groups).map(({ session, rounds }) => (
        <Rounds session={session} rounds={rounds} most={room.rows} />
      ))}
      {left > 0 ? (
        <p>
          and the rounds of {counted(left, 'more session')}: {inJson}
        </p>
      ) : null}
    </section>
  );
}
