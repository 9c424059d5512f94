/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */

import type { Cause } from '../../core/cause.ts';
import { counted } from '../../core/counted.ts';
import { oneLine } from '../../core/harmless.ts';
import type { IncidentView } from '../desk.ts';
import { Fold, Quotes, VerdictBadge } from '../parts.tsx';
import { capital, causeOf, causeText, judged, sentence, statusText, verdictWords } from './words.ts';

/** Where what is true now differs from what the ledger says, or cannot be known. */
function Since(props: { view: IncidentView }) {
  const { incident, now, whyNotNow } = props.view;
  if (now === null)
    return (
      <p class="muted">
        This is what the last entry says. Now it cannot be judged: {oneLine(whyNotNow ?? 'not known')}.
      </p>
    );
  if (now.exempt !== null)
    return <p>As its row stands now, it is not expected to have a capture ({oneLine(now.exempt)}).</p>;
  if (now.verdict === incident.verdict) return null;
  return (
    <p>
      This is how it is judged now. The last entry says{' '}
      {incident.verdict === null
        ? 'nothing, since its repair was reverted'
        : `“${oneLine(incident.verdict)}”`}
      ; the next audit writes the change down.
    </p>
  );
}

/** True where it was reopened and no audit has written of it since: of people's entries only the reopening counts. */
function waitsForAudit({ entries }: IncidentView): boolean {
  const last = entries.findLast(({ kind }) => kind === 'incident.reopened' || !kind.startsWith('incident.'));
  return last?.kind === 'incident.reopened';
}

/** What it is, in words. */
export function VerdictPart(props: { view: IncidentView }) {
  const { view } = props;
  const { verdict, because } = judged(view);
  return (
    <section
      class={`verdict ${verdict === null ? 'calm' : verdictWords[verdict]?.tone}`}
      aria-label="Verdict"
    >
      <p class="big">
        <VerdictBadge verdict={verdict} />{' '}
        {verdict === null
          ? 'It waits for the next audit to judge it.'
          : (verdictWords[verdict]?.sentence ?? oneLine(verdict))}
      </p>
      {because !== '' && <p>{oneLine(sentence(because))}</p>}
      <p>
        Status: <strong>{statusText(view.incident)}</strong>.
        {waitsForAudit(view) && ' It was reopened: the next audit judges it anew.'}
      </p>
      <Since view={view} />
    </section>
  );
}

/** The proved cause; what was proved once stays so when its logs are gone. */
function knownCause({ incident, now }: IncidentView): Cause | null {
  const fresh = now?.cause ?? null;
  const recorded = causeOf(incident);
  return fresh !== null && (fresh.code !== 'unknown' || recorded === null) ? fresh : recorded;
}

const shownAtOnce = 12;

function Proof(props: { cause: Cause }) {
  const { code, evidence } = props.cause;
  if (evidence.length === 0)
    return code === 'unknown' ? null : <p class="muted">No log line speaks of it.</p>;
  const [first, more] = [evidence.slice(0, shownAtOnce), evidence.slice(shownAtOnce)];
  return (
    <>
      <h3>The log lines that prove it</h3>
      <Quotes quotes={first} />
      {more.length > 0 && (
        <Fold summary={`${counted(more.length, 'more line')} of this round`}>
          <Quotes quotes={more} />
        </Fold>
      )}
    </>
  );
}

/** Why the pipeline missed it. */
export function WhyPart(props: { view: IncidentView }) {
  const cause = knownCause(props.view);
  return (
    <section aria-labelledby="why">
      <h2 id="why">
        {judged(props.view).verdict === 'covered' ? 'Why it was missing' : 'Why it is missing'}
      </h2>
      {judged(props.view).verdict !== 'covered' && (
        <p>
          What is missing is its capture: the teams and the exact times that the Lua module on the game server
          sends. Its result came by the stats file, and is in the database.
        </p>
      )}
      {cause === null ? (
        <p>No audit has looked for the cause yet.</p>
      ) : (
        <>
          <p class="big">
            {capital(causeText(cause.code))} <code>{oneLine(cause.code)}</code>
          </p>
          <p>{oneLine(sentence(cause.because))}</p>
          {cause.also.length > 0 && <p>Also: {cause.also.map(causeText).join('; ')}.</p>}
          <Proof cause={cause} />
        </>
      )}
    </section>
  );
}
