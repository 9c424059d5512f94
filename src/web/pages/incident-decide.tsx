/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import type { Child } from 'hono/jsx';
import { oneLine } from '../../core/harmless.ts';
import type { SeenCandidate } from '../../core/verdict.ts';
import { CsrfField } from '../csrf.tsx';
import type { IncidentView } from '../desk.ts';
import type { Session } from '../guard.tsx';
import { choices, decisionWords, type Kind, possibleDecisions, type Refused } from './decisions.ts';
import { candidateText, distanceText, judged } from './words.ts';

function CandidateChoice(props: { name: string; candidate: SeenCandidate; chosen: boolean }) {
  const { name, candidate, chosen } = props;
  const { path, deltaSeconds, note } = candidate;
  return (
    <label class="choice">
      <input type="radio" name="candidate" value={name} checked={chosen} required />
      <span>
        <strong>{candidateText(candidate)}</strong>, {distanceText(deltaSeconds)}. {oneLine(note)}
        {path !== null && <span class="path muted"> {oneLine(path)}</span>}
      </span>
    </label>
  );
}

function ReasonField(props: { kind: Kind; refused: Refused | null }) {
  const { kind, refused } = props;
  const { field, needed } = decisionWords[kind];
  const id = `reason-${kind}`;
  return (
    <>
      <label for={id}>{field}</label>
      <textarea
        id={id}
        name="reason"
        rows={2}
        required={needed}
        aria-invalid={refused === null ? undefined : 'true'}
        aria-describedby={refused === null ? `does-${kind}` : `does-${kind} alert`}
      >
        {refused?.typed.reason ?? ''}
      </textarea>
    </>
  );
}

function DecisionForm(props: {
  kind: Kind;
  view: IncidentView;
  session: Session;
  refused: Refused | null;
  children?: Child;
}) {
  const { kind, view, session, children } = props;
  const refused = props.refused?.typed.kind === kind ? props.refused : null;
  const { title, does, button } = decisionWords[kind];
  return (
    <form method="post" action={`/incidents/${view.incident.id}/decide`} class={`card ${kind}`}>
      <h3>{title}</h3>
      <p id={`does-${kind}`}>{does}</p>
      <CsrfField session={session} />
      <input type="hidden" name="kind" value={kind} />
      {children}
      <ReasonField kind={kind} refused={refused} />
      <button type="submit">{button}</button>
    </form>
  );
}

function Choices(props: { view: IncidentView; refused: Refused | null }) {
  const { view, refused } = props;
  return (
    <fieldset>
      <legend>Candidates</legend>
      {choices(view).map(({ name, candidate }) => (
        <CandidateChoice name={name} candidate={candidate} chosen={refused?.typed.candidate === name} />
      ))}
    </fieldset>
  );
}

/** The forms by which a person decides. */
export function DecidePart(props: { view: IncidentView; session: Session; refused: Refused | null }) {
  const { view, session, refused } = props;
  const { id } = view.incident;
  return (
    <section class="decide" aria-labelledby="decide">
      <h2 id="decide">Decide</h2>
      <p>What you decide is written into the ledger under your name, {oneLine(session.name)}.</p>
      {judged(view).reason === 'slot_taken' && (
        <p>
          To free the round from a wrong capture:{' '}
          <code>roundwarden incidents resolve {id} --release CAPTURE</code>
        </p>
      )}
      <div class="cards">
        {possibleDecisions(view, refused).map((kind) => (
          <DecisionForm kind={kind} view={view} session={session} refused={refused}>
            {kind === 'resolve' && <Choices view={view} refused={refused} />}
          </DecisionForm>
        ))}
      </div>
    </section>
  );
}
