/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { durationText } from '../src/core/alert-text.ts';
import { oneLine } from '../src/core/harmless.ts';
import { headLine } from '../src/core/head-line.ts';
import type { Report } from './model.ts';
import { instantText, moreText } from './words.ts';

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

/** A checkpoint is some three hundred characters long; one with a longer name of its key is not cut, but left out. */
const mostOfNote = 1_000;

/** The checkpoint, as it must be kept to be worth something: whole, with its signature. */
function SignedHead({ checkpoint }: Pick<Report, 'checkpoint'>) {
  if (checkpoint === null) return null;
  const { note, problem } = checkpoint;
  if (note === null) return <p class="alarm">The ledger was not signed: {oneLine(problem ?? '')}</p>;
  if (note.length > mostOfNote) return <p>The same, signed, is too long to stand here: the JSON has it.</p>;
  return (
    <>
      <pre>{note}</pre>
      <p class="soft">
        The same, signed: in a file of its own, <code>roundwarden ledger verify --checkpoint</code> holds the
        ledger against it.
      </p>
    </>
  );
}

/** How the auditor itself is: a sensor that is down must not look like health. */
export function Health({ report, most }: { report: Report; most: number }) {
  const { auditor } = report;
  const { runs, outbox, deadLetters, unreadablePlaces, lastAuditAt } = auditor;
  const [leftPlaces, leftLetters] = [unreadablePlaces.length - most, deadLetters.length - most];
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
        {unreadablePlaces.slice(0, most).map(({ place, since, why }) => (
          <li class="lost">
            {oneLine(place)} cannot be read since {instantText(since)}: {oneLine(why)}
          </li>
        ))}
        {leftPlaces > 0 ? <li class="lost">{moreText(leftPlaces)}</li> : null}
        <li>
          Messages: {outbox.queued} waiting, {outbox.sent} sent, {outbox.dead} given up.
        </li>
        {deadLetters.slice(0, most).map(({ channel, key, why }) => (
          <li class="lost">
            Not delivered by {channel}: {oneLine(key)}, {oneLine(why)}
          </li>
        ))}
        {leftLetters > 0 ? <li class="lost">{moreText(leftLetters)}</li> : null}
      </ul>
      <p>
        <code>{headLine(report.ledger)}</code>
      </p>
      <p class="soft">
        Keep this line: <code>roundwarden ledger verify --anchor</code> compares the ledger with it, so that a
        mailbox is a witness.
      </p>
      <SignedHead checkpoint={report.checkpoint} />
    </section>
  );
}
