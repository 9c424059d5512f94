import { raw } from 'hono/html';
import { durationText } from '../src/core/alert-text.ts';
import { oneLine } from '../src/core/harmless.ts';
import type { Chart } from './charts.ts';
import type { Report } from './model.ts';
import { Badge, CountTable, Quotes, Table } from './parts.tsx';
import { causeWords, headText, instantText, percent, r2Sentence, roundText, stateWords } from './words.ts';

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
              <td>{oneLine(line.played)}</td>
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

/** First rounds against second rounds, and the other ways to divide the window. */
export function Splits({ report, most }: { report: Report; most: number }) {
  const { splits, coverage, delays, rescued, rescued30, last14, last30 } = report;
  const causes = splits.cause.map(({ name, ...rest }) => ({ name: `${name}`, ...rest }));
  const delayText = (delay: typeof delays.detection) =>
    delay === null
      ? 'none'
      : `${durationText(delay.medianSeconds)} at the median, ${durationText(delay.longestSeconds)} at most, over ${delay.rounds} rounds`;
  return (
    <section aria-labelledby="splits">
      <h2 id="splits">R1 against R2</h2>
      <CountTable
        caption="Rounds by number"
        by="number"
        rows={[...splits.number, { name: 'all', coverage }]}
      />
      <p class={report.r2.state === 'unlikely' ? 'alarm' : undefined}>{r2Sentence(report)}</p>
      <CountTable caption="Rounds by map" by="map" rows={splits.map.slice(0, most)} />
      <CountTable
        caption="Rounds by module version"
        by="version"
        rows={splits.moduleVersion.slice(0, most)}
      />
      {causes.length > 0 ? (
        <CountTable caption="Rounds that the live pipeline missed, by cause" by="cause" rows={causes} />
      ) : null}
      <ul>
        <li>From a round's end to its entry in the ledger: {delayText(delays.detection)}.</li>
        <li>From a round's end to its repair: {delayText(delays.repair)}.</li>
        <li>
          Rescued by repair: {rescued.rounds} rounds, {rescued.minutes} min of play; in 30 days{' '}
          {rescued30.rounds} rounds, {rescued30.minutes} min.
        </li>
        <li>
          Covered in 14 days: {percent(last14.live + last14.repaired, total(last14))}; in 30 days:{' '}
          {percent(last30.live + last30.repaired, total(last30))}.
        </li>
      </ul>
    </section>
  );
}

const total = ({ live, repaired, pending, open, setAside, lost }: Report['coverage']) =>
  live + repaired + pending + setAside + lost + Object.values(open).reduce((sum, one) => sum + one, 0);

/** How a chart is shown: drawn in the page, or as a picture of the mail. */
export type Picture = 'svg' | 'cid';

function Figure({ chart, picture }: { chart: Chart; picture: Picture }) {
  return (
    <figure>
      {picture === 'svg' ? (
        raw(chart.svg)
      ) : (
        <img src={`cid:${chart.name}@roundwarden`} alt={chart.description} width="720" />
      )}
      <figcaption class="soft">{chart.description}</figcaption>
    </figure>
  );
}

function missedR2(ids: readonly number[]): string {
  const most = 12;
  return ids.length <= most
    ? ids.join(', ')
    : `${ids.slice(0, most).join(', ')} and ${ids.length - most} more`;
}

/** The numbers of both charts. */
function SeriesTable({ report }: { report: Report }) {
  const played = report.series.filter(({ coverage }) => coverage !== null);
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
            <td>{total(coverage!) - coverage!.live - coverage!.repaired - coverage!.pending}</td>
            <td>{ids.length}</td>
            <td>{missedR2(ids)}</td>
            <td>{unlikely ? 'unusually few R2' : ''}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}

/** The charts of 30 days, each with its numbers. */
export function Trend(props: { report: Report; charts: readonly Chart[]; picture: Picture }) {
  const { report, charts, picture } = props;
  return (
    <section aria-labelledby="trend">
      <h2 id="trend">Trend</h2>
      {charts.map((chart) => (
        <Figure chart={chart} picture={picture} />
      ))}
      <details>
        <summary>The numbers of both charts</summary>
        <SeriesTable report={report} />
      </details>
    </section>
  );
}

/** What was repaired, from what. */
export function Repairs({ report, most }: { report: Report; most: number }) {
  const { repairs } = report;
  return (
    <section aria-labelledby="repairs">
      <h2 id="repairs">Repairs</h2>
      {repairs.length === 0 ? (
        <p>None was made.</p>
      ) : (
        <Table
          caption="Repairs"
          head={['round', 'map', 'played', 'repair', 'from', 'distance', 'entry', 'SHA-256']}
        >
          {repairs.slice(0, most).map((repair) => (
            <tr>
              <td>{repair.roundId}</td>
              <th scope="row">{roundText(repair)}</th>
              <td>{oneLine(repair.played)}</td>
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
      {repairs.length > most ? <p>and {repairs.length - most} more: the JSON lists them all</p> : null}
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
        <p>No line of the bot's log shows a round that came in twice.</p>
      </section>
    );
  return (
    <section aria-labelledby="duplicates">
      <h2 id="duplicates">Duplicate ingestion</h2>
      <p>Two paths deliver the same signal: {duplicates.length} rounds came in twice within a minute.</p>
      <ul>
        {duplicates.slice(0, most).map((one) => (
          <li>
            <strong>{roundText(one)}</strong>: received {one.received} times, stored {one.stored} times
          </li>
        ))}
        {duplicates.length > most ? <li>and {duplicates.length - most} more</li> : null}
      </ul>
      <details>
        <summary>Lines of the first</summary>
        <Quotes lines={duplicates[0]!.lines} />
      </details>
    </section>
  );
}

function Blindness({ auditor }: { auditor: Report['auditor'] }) {
  const { runs, blindSeconds, longestBlind } = auditor;
  if (runs.expected === 0) return <li>No audit was expected in this time: the auditor was not there yet.</li>;
  const longest =
    longestBlind === null
      ? ''
      : `, the longest from ${instantText(longestBlind.from)} to ${instantText(longestBlind.to)}`;
  return (
    <li class={blindSeconds > 0 ? 'lost' : undefined}>
      Blind for {durationText(blindSeconds)}
      {longest}.
    </li>
  );
}

/** How the auditor itself is: a sensor that is down must not look like health. */
export function Health({ report }: { report: Report }) {
  const { auditor } = report;
  const { runs, outbox, deadLetters, unreadablePlaces, lastAuditAt } = auditor;
  return (
    <section aria-labelledby="auditor">
      <h2 id="auditor">The auditor itself</h2>
      <ul>
        <li>
          Audits: {runs.finished} finished of {runs.expected} expected, {runs.failed} failed. The last one
          ended {lastAuditAt === null ? 'never' : instantText(lastAuditAt)}.
        </li>
        <Blindness auditor={auditor} />
        {unreadablePlaces.length === 0 ? <li>Every artifact place could be read.</li> : null}
        {unreadablePlaces.map(({ place, since, why }) => (
          <li class="lost">
            {oneLine(place)} cannot be read since {instantText(since)}: {oneLine(why)}
          </li>
        ))}
        <li>
          Messages: {outbox.queued} waiting, {outbox.sent} sent, {outbox.dead} given up.
        </li>
        {deadLetters.map(({ channel, key, why }) => (
          <li class="lost">
            Not delivered by {channel}: {oneLine(key)}, {oneLine(why)}
          </li>
        ))}
      </ul>
      <p>
        <code>{headText(report.ledger)}</code>
      </p>
      <p class="soft">
        Keep this line: `roundwarden ledger verify --anchor` compares the ledger with it, so that a mailbox is
        a witness.
      </p>
    </section>
  );
}
