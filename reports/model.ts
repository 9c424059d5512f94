import { z } from 'zod';
import { causeCodes } from '../src/core/cause.ts';
import { openOrder } from '../src/core/coverage.ts';
import { exemptReasons } from '../src/core/expected.ts';
import { flags, verdicts } from '../src/core/verdict.ts';

/** The version of the report's shape. A reader of the JSON looks here first. */
export const reportFormat = 'roundwarden-report/1';

const count = z.int().nonnegative();
const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
/** UTC, ISO 8601. */
const instant = z.iso.datetime();
const counts = <K extends string>(names: readonly K[]) =>
  z.strictObject(Object.fromEntries(names.map((name) => [name, count])) as Record<K, typeof count>);

const coverage = z.strictObject({
  rows: count,
  exempt: counts(exemptReasons),
  live: count,
  repaired: count,
  pending: count,
  open: counts(openOrder),
  setAside: count,
  lost: count,
});

/** A round as people recognise it. */
const roundName = {
  roundId: z.int(),
  matchId: z.string().nullable(),
  map: z.string().nullable(),
  number: z.int().nullable(),
  session: z.int().nullable(),
  /** Local date and time of the server, or what stands there where it cannot be read. */
  played: z.string(),
};

const quote = z.strictObject({ file: z.string(), line: z.int(), text: z.string() });

const cause = z.strictObject({
  code: z.enum(causeCodes),
  also: z.array(z.enum(causeCodes)),
  because: z.string(),
  evidence: z.array(quote),
});

/** A round that people should know of: lost, or open, or to be decided by them. */
const exception = z.strictObject({
  ...roundName,
  verdict: z.enum(verdicts),
  reason: z.string().nullable(),
  because: z.string(),
  cause: cause.nullable(),
  /** The number of its incident in the ledger; null where no audit has looked at it yet. */
  incident: z.int().nullable(),
  /** The folder of its triage packet, below DATA_DIR. */
  packet: z.string().nullable(),
  setAside: z.enum(['excused', 'held']).nullable(),
});

const roundLine = z.strictObject({
  ...roundName,
  state: z.enum(['live', 'repaired', 'pending', 'open', 'setAside', 'lost']),
  verdict: z.enum(verdicts),
  cause: z.enum(causeCodes).nullable(),
  flags: z.array(z.enum(flags)),
  moduleVersion: z.string().nullable(),
  /** Of a pending round: the local time of the server until which it waits for its capture. */
  waitsUntil: z.string().nullable(),
});

const named = z.strictObject({ name: z.string(), coverage });

/** Second rounds that should have a capture, and those that the live pipeline covered. */
const share = z.strictObject({ expected: count, live: count });

const dayPoint = z.strictObject({
  day,
  /** Null where no round was played that should have a capture. */
  coverage: coverage.nullable(),
  r1: share,
  r2: share,
  missingR2: z.array(z.int()),
  /** True where so few live second rounds are unlikely by the days before (p < 0.01). */
  unlikely: z.boolean(),
});

const delay = z.strictObject({ rounds: count, medianSeconds: z.number(), longestSeconds: z.number() });

const repair = z.strictObject({
  ...roundName,
  kind: z.enum(['relink', 'backfill', 'complete']),
  /** The artifact's file, or the capture. */
  from: z.string(),
  sha256: z.string().nullable(),
  deltaSeconds: z.number(),
  at: instant,
  /** The seq of its `repair.started`: what `revert` takes. */
  entry: z.int(),
  reverted: z.boolean(),
});

const duplicate = z.strictObject({
  map: z.string().nullable(),
  number: z.int().nullable(),
  received: count,
  stored: count,
  lines: z.array(quote),
});

/** Everything that a report says: each format is made of this and of nothing else. */
export const reportSchema = z.strictObject({
  format: z.literal(reportFormat),
  source: z.string(),
  zone: z.string(),
  window: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('day'), day }),
    z.strictObject({ kind: z.literal('session'), session: z.int(), since: day, until: day }),
  ]),
  /** When it was made: what it says is what was known then. */
  asOf: instant,
  /** `no_rounds` and `nothing_checked` are neither green nor red. */
  state: z.enum(['covered', 'waiting', 'gaps', 'no_rounds', 'nothing_checked']),
  /** The verdict in one line; the subject of the mail. */
  title: z.string(),
  /** Sums that do not hold. Anything here is a defect, and the report says so in red. */
  discrepancies: z.array(z.string()),
  coverage,
  /** Of the window: lost first, then what people have to decide, then what is open. */
  exceptions: z.array(exception),
  /** Of earlier rounds: written off in the window, or still open. */
  earlier: z.strictObject({ writtenOff: z.array(exception), open: z.array(exception) }),
  sessions: z.array(z.strictObject({ session: z.int().nullable(), coverage, rounds: z.array(roundLine) })),
  splits: z.strictObject({
    number: z.array(named),
    map: z.array(named),
    session: z.array(named),
    moduleVersion: z.array(named),
    /** Of the rounds that the live pipeline missed. */
    cause: z.array(named),
  }),
  /** The 30 days up to the last day of the window, oldest first. */
  series: z.array(dayPoint),
  last14: coverage,
  last30: coverage,
  /** Live second rounds against their own past. */
  r2: z.strictObject({
    state: z.enum(['usual', 'unlikely', 'too_little_history', 'no_rounds']),
    day: share,
    history: share,
    /** How likely so few live rounds are, by the history; null with too little of it. */
    probability: z.number().nullable(),
  }),
  delays: z.strictObject({ detection: delay.nullable(), repair: delay.nullable() }),
  rescued: z.strictObject({ rounds: count, minutes: z.number() }),
  rescued30: z.strictObject({ rounds: count, minutes: z.number() }),
  /** Of rounds of the window, and made in it. */
  repairs: z.array(repair),
  duplicates: z.array(duplicate),
  auditor: z.strictObject({
    /** Null before the first audit. */
    lastAuditAt: instant.nullable(),
    runs: z.strictObject({ expected: count, finished: count, failed: count }),
    blindSeconds: z.number().nonnegative(),
    /** The longest time in which no audit looked. */
    longestBlind: z.strictObject({ from: instant, to: instant }).nullable(),
    unreadablePlaces: z.array(z.strictObject({ place: z.string(), since: instant, why: z.string() })),
    outbox: z.strictObject({
      queued: count,
      sent: count,
      dead: count,
      oldestQueuedAt: instant.nullable(),
    }),
    deadLetters: z.array(z.strictObject({ channel: z.string(), key: z.string(), why: z.string() })),
  }),
  /** The end of the ledger when this was made: keep it outside. */
  ledger: z.strictObject({ seq: z.int(), hash: z.string() }).nullable(),
  /** The same end, signed (c2sp.org/tlog-checkpoint), or why it could not be; null where no key is set. */
  checkpoint: z.strictObject({ note: z.string().nullable(), problem: z.string().nullable() }).nullable(),
});

export type Report = z.infer<typeof reportSchema>;
export type DayPoint = Report['series'][number];
export type ReportException = Report['exceptions'][number];
export type RoundLine = Report['sessions'][number]['rounds'][number];
export type NamedCoverage = Report['splits']['map'][number];
