/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { durationText } from '../../core/alert-text.ts';
import { oneLine } from '../../core/harmless.ts';
import type { Overview, RunLine } from '../desk.ts';
import { At, Facts, Fold, Table } from '../parts.tsx';
import { exitText } from './words.ts';

/** Places that fail, since when and why. */
export function PlacesPart(props: { overview: Overview }) {
  const { unreadablePlaces } = props.overview;
  return (
    <section aria-labelledby="places">
      <h2 id="places">Places that cannot be read</h2>
      {unreadablePlaces.length === 0 ? (
        <p>None: every artifact place could be read.</p>
      ) : (
        <Table
          caption="While these cannot be read, no round is called lost"
          columns={['Place', 'Since (UTC)', 'Why']}
        >
          {unreadablePlaces.map(({ place, since, why }) => (
            <tr>
              <th scope="row" class="path">
                {oneLine(place)}
              </th>
              <td class="nowrap">
                <At at={since} bare />
              </td>
              <td class="prose">{oneLine(why)}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

/** What waits to be sent, and what could not be. */
export function MessagesPart(props: { overview: Overview }) {
  const { outbox, deadLetters, now } = props.overview;
  const { oldestQueuedAt } = outbox;
  const waits =
    oldestQueuedAt === null
      ? ''
      : `, the oldest for ${durationText((Date.parse(now) - Date.parse(oldestQueuedAt)) / 1000)}`;
  return (
    <section aria-labelledby="messages">
      <h2 id="messages">Messages</h2>
      <p>
        {outbox.sent} sent, {outbox.queued} queued{waits}, {outbox.dead} could not be delivered.
      </p>
      {deadLetters.length > 0 && (
        <Table
          caption="Messages that could not be delivered (roundwarden notify --retry-dead tries again)"
          columns={['Channel', 'About', 'Why']}
        >
          {deadLetters.map(({ channel, key, why }) => (
            <tr>
              <th scope="row">{oneLine(channel)}</th>
              <td>{oneLine(key)}</td>
              <td class="prose">{oneLine(why)}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

function RunRow(props: { run: RunLine }) {
  const { command, startedAt, finishedAt, state, exitCode, error } = props.run;
  const took =
    finishedAt === null ? '' : `${((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000).toFixed(1)} s`;
  return (
    <tr>
      <th scope="row">{oneLine(command)}</th>
      <td class="nowrap">
        <At at={startedAt} bare />
      </td>
      <td class="number">{took}</td>
      <td>{state}</td>
      <td>{exitCode === null ? '' : exitText(exitCode)}</td>
      <td>{oneLine(error ?? '')}</td>
    </tr>
  );
}

function RunsPart(props: { runs: readonly RunLine[] }) {
  const { runs } = props;
  const columns = ['Command', 'Started (UTC)', 'Took', 'State', 'Exit code', 'Error'];
  return (
    <Fold summary={`The last runs (${runs.length})`}>
      <Table caption="Runs of every command, the last one first" columns={columns}>
        {runs.map((run) => (
          <RunRow run={run} />
        ))}
      </Table>
    </Fold>
  );
}

/** The end of the ledger, and the last runs. */
export function AuditorPart(props: { overview: Overview }) {
  const { head, runs } = props.overview;
  return (
    <section aria-labelledby="auditor">
      <h2 id="auditor">The auditor</h2>
      {head === null ? (
        <p>The ledger has no entry yet.</p>
      ) : (
        <Facts
          facts={[
            ['ledger entries', <a href="/ledger">{head.seq}</a>],
            ['ledger head', <code class="hash">{`${head.seq} ${head.hash}`}</code>],
          ]}
        />
      )}
      <RunsPart runs={runs} />
    </section>
  );
}
