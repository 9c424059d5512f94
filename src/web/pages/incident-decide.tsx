import type { Child } from 'hono/jsx';
import { oneLine } from '../../core/harmless.ts';
import { type Incident, isOpenIncident } from '../../core/incident.ts';
import type { SeenCandidate } from '../../core/verdict.ts';
import { CsrfField } from '../csrf.tsx';
import type { IncidentView, WebDecision } from '../desk.ts';
import type { Session } from '../guard.tsx';
import { judged } from './incident-why.tsx';
import type { Typed } from './query.ts';
import { candidateName, candidateText, distanceText } from './words.ts';

type Kind = WebDecision['kind'];

interface FormWords {
  title: string;
  /** What it does, in one line. */
  does: string;
  button: string;
  field: string;
  needed: boolean;
  /** What is said when it is done. */
  done: string;
}

const words: Record<Kind, FormWords> = {
  resolve: {
    title: 'Choose a candidate',
    does: 'The next audit writes the one you choose, under every other rule.',
    button: 'Choose',
    field: 'Reason (may be left empty)',
    needed: false,
    done: 'Chosen: the next audit writes it, under every other rule.',
  },
  acknowledge: {
    title: 'Acknowledge',
    does: 'Silent until its verdict changes.',
    button: 'Acknowledge',
    field: 'Reason (may be left empty)',
    needed: false,
    done: 'Acknowledged: it is silent until its verdict changes.',
  },
  excuse: {
    title: 'Excuse',
    does: 'Silent and closed; later evidence is still repaired.',
    button: 'Excuse',
    field: 'Reason',
    needed: true,
    done: 'Excused: it is silent and closed; later evidence is still repaired.',
  },
  hold: {
    title: 'Hold',
    does: 'No audit repairs it until it is reopened.',
    button: 'Hold',
    field: 'Reason',
    needed: true,
    done: 'Held: no audit repairs it until it is reopened.',
  },
  reopen: {
    title: 'Reopen',
    does: 'Ends a hold, an excuse, an acknowledgement, a resolution. The next audit judges it anew.',
    button: 'Reopen',
    field: 'Reason (may be left empty)',
    needed: false,
    done: 'Reopened: the next audit judges it anew.',
  },
  note: {
    title: 'Note',
    does: 'Writes a remark into the ledger, and changes nothing else.',
    button: 'Write the note',
    field: 'Text',
    needed: true,
    done: 'The note is in the ledger.',
  },
};

/** What is said after a decision; null for a kind that is none. */
export function doneText(kind: string | undefined): string | null {
  return kind !== undefined && Object.hasOwn(words, kind) ? words[kind as Kind].done : null;
}

const canReopen = ({ held, excused, acknowledged, resolution, releases, status }: Incident) =>
  held !== null ||
  excused !== null ||
  acknowledged !== null ||
  resolution !== null ||
  releases.length > 0 ||
  status === 'written_off';

const choices = (view: IncidentView) =>
  view.candidates.flatMap((candidate) => {
    const name = candidateName(candidate);
    return name === null ? [] : [{ name, candidate }];
  });

/** The decisions that mean something for an incident as it stands, the likeliest first, and the one that was refused. */
export function possibleDecisions(view: IncidentView, refused: Refused | null): Kind[] {
  const { incident } = view;
  const unclosed = incident.status !== 'closed';
  const canChoose = unclosed && judged(view).verdict === 'ambiguous' && choices(view).length > 0;
  const possible: Record<Kind, boolean> = {
    resolve: canChoose,
    acknowledge: isOpenIncident(incident) && incident.acknowledged === null,
    excuse: unclosed && incident.excused === null,
    hold: unclosed && incident.held === null,
    reopen: canReopen(incident),
    note: true,
  };
  return (Object.keys(possible) as Kind[]).filter((kind) => possible[kind] || kind === refused?.typed.kind);
}

/** A form that was sent and refused: what was typed, and why it was refused. */
export interface Refused {
  typed: Typed;
  problem: string;
}

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
  const { field, needed } = words[kind];
  const id = `reason-${kind}`;
  return (
    <>
      <label for={id}>{field}</label>
      <textarea
        id={id}
        name="reason"
        rows={2}
        maxlength={2_000}
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
  const { title, does, button } = words[kind];
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
    <section aria-labelledby="decide">
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
