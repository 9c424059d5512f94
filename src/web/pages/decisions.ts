import { type Incident, isOpenIncident } from '../../core/incident.ts';
import { decisionEntries, type IncidentView, type WebDecision } from '../desk.ts';
import type { Typed } from './query.ts';
import { candidateName, judged } from './words.ts';

export type Kind = WebDecision['kind'];

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

/** Each decision in words. */
export const decisionWords: Record<Kind, FormWords> = {
  resolve: {
    title: 'Choose a candidate',
    does: 'The next audit writes the one you choose, under every other rule.',
    button: 'Choose',
    field: 'Reason (may be left empty)',
    needed: false,
    done: 'Chosen: the next audit writes it, under every other rule.',
  },
  note: {
    title: 'Note',
    does: 'Writes a remark into the ledger, and changes nothing else.',
    button: 'Write the note',
    field: 'Text',
    needed: true,
    done: 'The note is in the ledger.',
  },
  acknowledge: {
    title: 'Acknowledge',
    does: 'You have seen it: no more alerts about it until its verdict changes.',
    button: 'Acknowledge',
    field: 'Reason (may be left empty)',
    needed: false,
    done: 'Acknowledged: it is silent until its verdict changes.',
  },
  excuse: {
    title: 'Excuse',
    does: 'No more alerts about it, and nobody is asked to do anything. A lost round stays counted as lost. If its data turns up later, it is still repaired. Reopen undoes this.',
    button: 'Excuse',
    field: 'Reason',
    needed: true,
    done: 'Excused: no more alerts about it. If its data turns up later, it is still repaired.',
  },
  hold: {
    title: 'Hold',
    does: 'No audit repairs it until somebody reopens it.',
    button: 'Hold',
    field: 'Reason',
    needed: true,
    done: 'Held: no audit repairs it until it is reopened.',
  },
  reopen: {
    title: 'Reopen',
    does: 'Ends a hold, an excuse, an acknowledgement or a choice. The next audit looks at it anew, also where it was written off.',
    button: 'Reopen',
    field: 'Reason (may be left empty)',
    needed: false,
    done: 'Reopened: the next audit judges it anew.',
  },
};

/** True for the name of a decision. */
export const isKind = (kind: string): kind is Kind => Object.hasOwn(decisionWords, kind);

/** What is said after a decision; null where it is not the last thing that the ledger says of the incident. */
export function doneText(
  kind: string | undefined,
  { entries }: Pick<IncidentView, 'entries'>,
): string | null {
  if (kind === undefined || !isKind(kind)) return null;
  return entries.at(-1)?.kind === decisionEntries[kind] ? decisionWords[kind].done : null;
}

const canReopen = ({ held, excused, acknowledged, resolution, releases, status }: Incident) =>
  held !== null ||
  excused !== null ||
  acknowledged !== null ||
  resolution !== null ||
  releases.length > 0 ||
  status === 'written_off';

/** The candidates that a person may choose, by the names that a decision gives them. */
export const choices = (view: IncidentView) =>
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
    note: true,
    acknowledge: isOpenIncident(incident) && incident.acknowledged === null,
    excuse: unclosed && incident.excused === null,
    hold: unclosed && incident.held === null,
    reopen: canReopen(incident),
  };
  return (Object.keys(possible) as Kind[]).filter((kind) => possible[kind] || kind === refused?.typed.kind);
}

/** A form that was sent and refused: what was typed, and why it was refused. */
export interface Refused {
  typed: Typed;
  problem: string;
}
