/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { counted } from '../src/core/counted.ts';
import { oneLine } from '../src/core/harmless.ts';
import type { Report, ReportException } from './model.ts';
import { Badge, Quotes } from './parts.tsx';
import { causeWords, type ExceptionGroup, groupsOf, roundText } from './words.ts';

/** How much of the exceptions is shown: a mail has little room. */
export interface Detail {
  /** Groups of one list, and rounds of each group. */
  groups: number;
  rounds: number;
  /** Groups that show the log lines of their first round. */
  evidence: number;
}

function RoundItem({ exception }: { exception: ReportException }) {
  const { roundId, matchId, session, played, incident, packet } = exception;
  return (
    <li>
      <strong>{roundText(exception)}</strong> {oneLine(played)}, round {roundId}
      <span class="soft">
        , match {oneLine(matchId ?? 'none')}, session {session ?? 'none'}
        {incident === null ? null : `, incident ${incident}`}
        {packet === null ? null : [', packet ', <code>{oneLine(packet)}</code>]}
      </span>
    </li>
  );
}

function Cause({ cause }: { cause: ExceptionGroup['cause'] }) {
  if (cause === null) return <p>Nobody has asked for the cause yet.</p>;
  const also =
    cause.also.length === 0 ? '' : ` Also: ${cause.also.map((code) => causeWords[code]).join(', ')}.`;
  return (
    <p>
      <strong>{causeWords[cause.code]}</strong> (<code>{cause.code}</code>): {oneLine(cause.because)}.{also}
    </p>
  );
}

function Group(props: { group: ExceptionGroup; detail: Detail; evidence: boolean }) {
  const { group, detail, evidence } = props;
  const { verdict, setAside, because, cause, rounds } = group;
  const left = rounds.length - detail.rounds;
  const lines = rounds[0]?.cause?.evidence ?? [];
  return (
    <div class={`group ${verdict}`}>
      <h3>
        <Badge name={verdict} /> {setAside === null ? null : <Badge name="setAside" words={setAside} />}{' '}
        {counted(rounds.length, 'round')}
      </h3>
      <Cause cause={cause} />
      <ul>
        {rounds.slice(0, detail.rounds).map((exception) => (
          <RoundItem exception={exception} />
        ))}
        {left > 0 ? <li>and {left} more: `roundwarden incidents list --all` names them</li> : null}
      </ul>
      <p class="soft">
        What was tried: {oneLine(because)}. Look closer: <code>roundwarden explain {rounds[0]!.roundId}</code>
      </p>
      {evidence && lines.length > 0 ? (
        <details>
          <summary>Log lines that prove it, of round {rounds[0]!.roundId}</summary>
          <Quotes lines={lines} />
        </details>
      ) : null}
    </div>
  );
}

function Groups({ exceptions, detail }: { exceptions: readonly ReportException[]; detail: Detail }) {
  const groups = groupsOf(exceptions);
  const left = groups.slice(detail.groups).reduce((sum, { rounds }) => sum + rounds.length, 0);
  return (
    <>
      {groups.slice(0, detail.groups).map((group, at) => (
        <Group group={group} detail={detail} evidence={at < detail.evidence} />
      ))}
      {left > 0 ? <p>and {left} more of them: `roundwarden incidents list --all` names them</p> : null}
    </>
  );
}

/** What people should know first: lost, to be decided, open; then what is new or open of earlier days. */
export function Exceptions(props: { report: Report; detail: Detail }) {
  const { report, detail } = props;
  const { exceptions, earlier, state } = report;
  const nothing = exceptions.length + earlier.writtenOff.length + earlier.open.length === 0;
  return (
    <section aria-labelledby="exceptions">
      <h2 id="exceptions">Exceptions</h2>
      {nothing ? <p>{state === 'no_rounds' ? 'None: nobody played.' : 'None.'}</p> : null}
      <Groups exceptions={exceptions} detail={detail} />
      {earlier.writtenOff.length > 0 ? <h3>Of earlier days, written off in this time</h3> : null}
      <Groups exceptions={earlier.writtenOff} detail={detail} />
      {earlier.open.length > 0 ? <h3>Of earlier days, still open</h3> : null}
      <Groups exceptions={earlier.open} detail={detail} />
    </section>
  );
}
