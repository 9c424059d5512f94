import type { Context } from 'hono';
import { durationText } from '../../core/alert-text.ts';
import { oneLine } from '../../core/harmless.ts';
import type { Desk, Overview, RunLine } from '../desk.ts';
import type { Env, Session } from '../guard.tsx';
import { Page } from '../layout.tsx';
import { At, Badge, Facts, Fold, Table } from '../parts.tsx';
import { IncidentTable } from './incident-table.tsx';
import { nowLine } from './now.ts';
import { ChartsPart, FiguresPart } from './overview-coverage.tsx';
import { countText, exitText } from './words.ts';

const mostOpen = 20;

function NowPart(props: { overview: Overview }) {
  const { overview } = props;
  const { tone, word, headline, audit } = nowLine(overview);
  return (
    <section class={`now ${tone}`} aria-label="The state of now">
      <p class="headline">
        <Badge tone={tone}>{word}</Badge> {headline}
      </p>
      {audit !== '' && <p>{audit}</p>}
      <p class="muted">
        Source {oneLine(overview.source)}, server time of {oneLine(overview.zone)}, as of{' '}
        <At at={overview.now} />.
      </p>
    </section>
  );
}

function OpenPart(props: { overview: Overview }) {
  const open = [...props.overview.open].sort((a, b) => b.id - a.id);
  const shown = open.slice(0, mostOpen);
  const caption = open.length > mostOpen ? `The newest ${mostOpen} of ${open.length}` : 'Newest first';
  return (
    <section aria-labelledby="open">
      <h2 id="open">Open incidents</h2>
      {open.length === 0 ? (
        <p>
          None. <a href="/incidents">All incidents that are not closed</a>
        </p>
      ) : (
        <>
          <IncidentTable caption={caption} incidents={shown} />
          <p>
            <a href="/incidents?status=open">
              {open.length > mostOpen ? `All ${open.length} open incidents` : 'Find and filter incidents'}
            </a>
          </p>
        </>
      )}
    </section>
  );
}

function PlacesPart(props: { overview: Overview }) {
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

function MessagesPart(props: { overview: Overview }) {
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
    <Fold summary={`The last ${countText(runs.length, 'run')}`}>
      <Table caption="Runs of every command, the last one first" columns={columns}>
        {runs.map((run) => (
          <RunRow run={run} />
        ))}
      </Table>
    </Fold>
  );
}

function AuditorPart(props: { overview: Overview }) {
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

function Whole(props: { overview: Overview; session: Session }) {
  const { overview, session } = props;
  return (
    <Page title="Overview" session={session} current="/">
      <h1>Overview</h1>
      <NowPart overview={overview} />
      <OpenPart overview={overview} />
      <FiguresPart coverage={overview.coverage} series={overview.series} />
      <ChartsPart overview={overview} />
      <PlacesPart overview={overview} />
      <MessagesPart overview={overview} />
      <AuditorPart overview={overview} />
    </Page>
  );
}

/** `/`: whether somebody has to do something now. */
export function overviewPage(desk: Desk) {
  return async (c: Context<Env>) =>
    c.html(<Whole overview={await desk.overview()} session={c.var.session} />);
}
