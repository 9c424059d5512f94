/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { cutMiddle, oneLine } from '../src/core/harmless.ts';
import { type ExceptionGroup, type GroupRound, groupsOf } from './groups.ts';
import type { Report, ReportException } from './model.ts';
import { Badge, Played, Quotes } from './parts.tsx';
import type { Room } from './room.ts';
import { alsoText, causeWords, explainCommand, groupSize, inEach, roundText } from './words.ts';

function More({ count }: { count: number }) {
  return (
    <li class="more">
      and {count} more: <code>roundwarden incidents list --all</code> names them
    </li>
  );
}

/** So many characters of its own a round has in a list; the JSON has them whole. */
const mostOwn = 200;

function RoundItem({ round, group }: { round: GroupRound; group: ExceptionGroup }) {
  const { exception, own } = round;
  const { roundId, matchId, session, played, incident, packet } = exception;
  return (
    <li>
      <strong>{roundText(exception)}</strong> <Played at={played} day={group.day} after="," />{' '}
      <span>round {roundId},</span>{' '}
      <span class="soft">
        match {oneLine(matchId ?? 'none')}
        {group.session === null ? `, session ${session ?? 'none'}` : null}
        {incident === null ? null : `, incident ${incident}`}
        {packet === null ? null : [', packet ', <code>{oneLine(packet)}</code>]}
        {own.map((words) => `; ${cutMiddle(oneLine(words), mostOwn)}`)}
      </span>
    </li>
  );
}

function Cause({ cause }: { cause: ExceptionGroup['cause'] }) {
  if (cause === null) return <p>Nobody has asked for the cause yet.</p>;
  const { code, also, because } = cause;
  return (
    <p>
      <strong>{causeWords[code]}</strong> (<code>{code}</code>){': '}
      {because === null ? inEach : oneLine(because)}.{alsoText(also)}
    </p>
  );
}

function Tried({ group }: { group: ExceptionGroup }) {
  const { because, rounds } = group;
  return (
    <p class="soft">
      What was tried: {because === null ? inEach : oneLine(because)}. Look closer:{' '}
      <code>{explainCommand(rounds[0]!.exception)}</code>
    </p>
  );
}

function Group(props: { group: ExceptionGroup; most: number; evidence: boolean }) {
  const { group, most, evidence } = props;
  const { verdict, setAside, cause, rounds } = group;
  const left = rounds.length - most;
  const { roundId, cause: proof } = rounds[0]!.exception;
  const lines = proof?.evidence ?? [];
  return (
    <div class={`group ${verdict}`}>
      <h3>
        <Badge name={verdict} /> {setAside === null ? null : <Badge name="setAside" words={setAside} />}{' '}
        {groupSize(group)}
      </h3>
      <Cause cause={cause} />
      <ul class="rounds">
        {rounds.slice(0, most).map((round) => (
          <RoundItem round={round} group={group} />
        ))}
        {left > 0 ? <More count={left} /> : null}
      </ul>
      <Tried group={group} />
      {evidence && lines.length > 0 ? (
        <details>
          <summary>Log lines that prove it, of round {roundId}</summary>
          <Quotes lines={lines} most={most} />
        </details>
      ) : null}
    </div>
  );
}

function Groups({ exceptions, room }: { exceptions: readonly ReportException[]; room: Room }) {
  const groups = groupsOf(exceptions);
  const left = groups.slice(room.groups).reduce((sum, { rounds }) => sum + rounds.length, 0);
  return (
    <>
      {groups.slice(0, room.groups).map((group, at) => (
        <Group group={group} most={room.rows} evidence={at < room.evidence} />
      ))}
      {left > 0 ? (
        <ul>
          <More count={left} />
        </ul>
      ) : null}
    </>
  );
}

/** What people should know first: lost, to be decided, open; then what is new or open of earlier days. */
export function Exceptions({ report, room }: { report: Report; room: Room }) {
  const { exceptions, earlier, state } = report;
  const nothing = exceptions.length + earlier.writtenOff.length + earlier.open.length === 0;
  return (
    <section aria-labelledby="exceptions">
      <h2 id="exceptions">Exceptions</h2>
      {nothing ? <p>{state === 'no_rounds' ? 'None: nobody played.' : 'None.'}</p> : null}
      <Groups exceptions={exceptions} room={room} />
      {earlier.writtenOff.length > 0 ? <h3>Of earlier days, written off in this time</h3> : null}
      <Groups exceptions={earlier.writtenOff} room={room} />
      {earlier.open.length > 0 ? <h3>Of earlier days, still open</h3> : null}
      <Groups exceptions={earlier.open} room={room} />
    </section>
  );
}
