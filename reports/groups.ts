import { type InCommon, inCommon } from './in-common.ts';
import type { ReportException } from './model.ts';
import { dayOfAll } from './words.ts';

/** A round of a group, with what is said of it alone. */
export interface GroupRound {
  exception: ReportException;
  /** Of its cause, and of what was tried, the words that are not those of the group. */
  own: string[];
}

/** Exceptions of one verdict that have one cause: people read a sentence once, not once for each round. */
export interface ExceptionGroup {
  verdict: ReportException['verdict'];
  setAside: ReportException['setAside'];
  /** `because` is what holds of every round; null where each has words of its own. */
  cause: (Pick<NonNullable<ReportException['cause']>, 'code' | 'also'> & { because: string | null }) | null;
  /** What was tried, as far as it is the same for every round. */
  because: string | null;
  /** The session of all of them; null where they are of several, or of none. */
  session: number | null;
  /** The day of the server on which all of them were played, `YYYY-MM-DD`; null where they are of several. */
  day: string | null;
  rounds: GroupRound[];
}

/** Verdict and cause, by their codes. */
const codesOf = ({ verdict, setAside, reason, cause }: ReportException) => [
  ...[verdict, setAside, reason],
  ...(cause === null ? [] : [cause.code, ...cause.also]),
];

const explanationOf = (exception: ReportException) =>
  JSON.stringify({ codes: codesOf(exception), because: exception.cause?.because ?? null });

/**
 * What rounds of one group have in common: verdict and cause by their codes, and the explanation of the cause where
 * several rounds have it. Explanations that one round has alone, since they name its capture, do not part it from
 * the others.
 */
function keysOf(exceptions: readonly ReportException[]): string[] {
  const times = new Map<string, number>();
  const explanations = exceptions.map(explanationOf);
  for (const one of explanations) times.set(one, (times.get(one) ?? 0) + 1);
  return explanations.map((one, at) =>
    times.get(one) === 1 ? JSON.stringify(codesOf(exceptions[at]!)) : one,
  );
}

function sessionOf([first, ...others]: readonly ReportException[]): number | null {
  const { session } = first!;
  return others.every((one) => one.session === session) ? session : null;
}

const ownAt = (at: number, ...said: readonly InCommon[]) => said.map(({ own }) => own[at]!).filter(Boolean);

function groupOf(members: readonly ReportException[]): ExceptionGroup {
  const { verdict, setAside, cause } = members[0]!;
  const why = inCommon(members.map((one) => one.cause?.because ?? ''));
  const tried = inCommon(members.map(({ because }) => because));
  return {
    verdict,
    setAside,
    cause: cause === null ? null : { code: cause.code, also: cause.also, because: why.shared },
    because: tried.shared,
    session: sessionOf(members),
    day: dayOfAll(members),
    rounds: members.map((exception, at) => ({ exception, own: ownAt(at, why, tried) })),
  };
}

/** The exceptions in their order, those of one verdict and one cause together. */
export function groupsOf(exceptions: readonly ReportException[]): ExceptionGroup[] {
  const keys = keysOf(exceptions);
  const groups = new Map<string, ReportException[]>();
  for (const [at, exception] of exceptions.entries()) {
    const known = groups.get(keys[at]!);
    if (known) known.push(exception);
    else groups.set(keys[at]!, [exception]);
  }
  return [...groups.values()].map(groupOf);
}
