import fc from 'fast-check';
import { classify } from '../../src/core/classify.ts';
import { type CoverageRow, openOrder } from '../../src/core/coverage.ts';
import { coverageRows } from '../../src/core/coverage-row.ts';
import { exemptReasons, incidentKey } from '../../src/core/expected.ts';
import { foldIncident } from '../../src/core/fold.ts';
import { decisionOfIncident, type EntryKind, type Incident } from '../../src/core/incident.ts';
import type { Json } from '../../src/core/model.ts';
import { type RepairSummary, summarise } from '../../src/core/plan.ts';
import { gapEntries } from '../../src/core/record.ts';
import { type AuditRules, understand } from '../../src/core/situation.ts';
import { verdicts } from '../../src/core/verdict.ts';
import { aRound, days, fileUnix, someFacts, someRules } from './builders.ts';

type RowGiven = Partial<Omit<CoverageRow, 'round'>> & { round?: Parameters<typeof aRound>[0] };

/** A row of a report: covered by the live pipeline, unless the test says otherwise. */
export function aRow(given: RowGiven = {}): CoverageRow {
  const { round: of = {}, ...rest } = given;
  const round = aRound(of);
  return {
    round,
    key: incidentKey(round),
    playedUnix: of.fileUnix ?? fileUnix,
    exempt: null,
    verdict: 'covered',
    waits: null,
    by: rest.verdict === undefined || rest.verdict === 'covered' ? 'pipeline' : null,
    setAside: null,
    wasExcused: false,
    cause: null,
    moduleVersion: null,
    flags: [],
    detectedUnix: null,
    repairedUnix: null,
    ...rest,
  };
}

/** What makes a row count in a state. */
export const standing = {
  live: { verdict: 'covered', by: 'pipeline' },
  repaired: { verdict: 'covered', by: 'repair' },
  pending: { verdict: 'pending' },
  missing: { verdict: 'missing' },
  repairedAndExcused: { verdict: 'covered', by: 'repair', wasExcused: true },
  excused: { verdict: 'damaged', setAside: 'excused', wasExcused: true },
  held: { verdict: 'recoverable', setAside: 'held' },
  lost: { verdict: 'lost' },
  lostAndExcused: { verdict: 'lost', setAside: 'excused', wasExcused: true },
  exempt: { exempt: 'invalid', verdict: null },
} as const satisfies Record<string, RowGiven>;
export type Standing = keyof typeof standing;

/** Second rounds of a day of the server, so many of each standing. */
export function playedOn(day: string, counts: Partial<Record<Standing, number>>, number = 2): CoverageRow[] {
  return Object.entries(counts).flatMap(([name, count]) =>
    Array.from({ length: count }, () =>
      aRow({ round: { date: day, number, session: null }, ...standing[name as Standing] }),
    ),
  );
}

/** Any row that the rules can make, of a few days, sessions and maps. */
export const anyRow: fc.Arbitrary<CoverageRow> = fc
  .record({
    round: fc.record({
      id: fc.integer({ min: 1, max: 9_999 }),
      number: fc.constantFrom(1, 2),
      map: fc.constantFrom('supply', 'te_escape2', 'adlernest'),
      session: fc.constantFrom(null, 88, 89),
      date: fc.constantFrom('2026-02-11', '2026-02-12', '2026-03-29', 'nonsense'),
    }),
    readable: fc.boolean(),
    exempt: fc.option(fc.constantFrom(...exemptReasons), { freq: 3 }),
    verdict: fc.constantFrom(...verdicts),
    repaired: fc.boolean(),
    setAside: fc.option(fc.constantFrom('excused' as const, 'held' as const)),
  })
  .map(({ round, readable, exempt, verdict, repaired, setAside }) =>
    aRow({
      round,
      playedUnix: readable && round.date !== 'nonsense' ? fileUnix : null,
      exempt,
      verdict: exempt === null ? verdict : null,
      by: exempt !== null || verdict !== 'covered' ? null : repaired ? 'repair' : 'pipeline',
      setAside: exempt !== null || verdict === 'covered' ? null : setAside,
    }),
  );

/** Every state in which a row can be, with the name of what is counted there. */
export const everyStanding: readonly [name: string, RowGiven][] = [
  ...exemptReasons.map((exempt): [string, RowGiven] => [`exempt.${exempt}`, { exempt, verdict: null }]),
  ['live', standing.live],
  ['repaired', standing.repaired],
  ['pending', standing.pending],
  ...openOrder.map((verdict): [string, RowGiven] => [`open.${verdict}`, { verdict }]),
  ...openOrder.flatMap((verdict): [string, RowGiven][] => [
    ['setAside', { verdict, setAside: 'excused' }],
    ['setAside', { verdict, setAside: 'held' }],
  ]),
  ['lost', standing.lost],
  ['lost', standing.lostAndExcused],
  ['lost', { verdict: 'lost', setAside: 'held' }],
];

type Given = NonNullable<Parameters<typeof someFacts>[0]>;
interface Look {
  /** Seconds after the file time of the usual round. */
  after?: number;
}

/**
 * A ledger in miniature, and the audits, repairs and people that write to it. What they write, and what a report
 * reads from it, comes from the core itself.
 */
export function aStory() {
  const incidents = new Map<string, Incident>();
  const kinds = new Map<string, RepairSummary['kind'][]>();
  let seq = 0;
  let lastStarted = 0;
  const isoAt = (after: number) => new Date((fileUnix + after) * 1000).toISOString();
  const write = (kind: EntryKind, key: string, of: { body: unknown; after: number }) => {
    seq += 1;
    const entry = { seq, at: isoAt(of.after), kind, source: 'test', key, body: of.body as Json };
    incidents.set(key, foldIncident(incidents.get(key) ?? null, entry, key));
    return seq;
  };
  const rulesAt = (after: number, more: Partial<AuditRules>) =>
    someRules({ nowUnix: fileUnix + after, ...more });
  const seen = (given: Given, rules: AuditRules) => {
    const decisions = new Map([...incidents].map(([key, one]) => [key, decisionOfIncident(one)]));
    return understand({ ...someFacts(given), decisions }, rules);
  };
  const audited = (given: Given, rules: AuditRules) => classify(seen(given, rules));

  return {
    incidents,
    /** An audit looks and writes down what it finds; repairs nothing. */
    audit(given: Given, { after = 2 * days, ...rules }: Look & Partial<AuditRules> = {}) {
      const facts = someFacts(given);
      const drafts = gapEntries({
        source: 'test',
        run: 'r1',
        assessments: audited(given, rulesAt(after, rules)),
        incidents,
        places: facts.places,
        looksForVanished: true,
        packets: new Map(),
      });
      for (const { kind, key, body } of drafts) write(kind, key, { body, after });
    },
    /** Makes every repair that an audit of these facts asks for. */
    repair(given: Given, { after = 2 * days, ...rules }: Look & Partial<AuditRules> = {}) {
      const wants = audited(given, rulesAt(after, rules)).flatMap(({ want }) =>
        want === null ? [] : [summarise(want)],
      );
      for (const summary of wants) {
        const key = summary.incident;
        const body = { incidents: [key], repairs: [summary] };
        lastStarted = write('repair.started', key, { body, after });
        write('repair.done', key, { body: { ...body, started: lastStarted }, after });
        kinds.set(key, [...(kinds.get(key) ?? []), summary.kind]);
      }
      return wants.map(({ kind }) => kind);
    },
    /** Undoes the last repair. */
    revert({ after = 3 * days }: Look = {}) {
      for (const [key, { repairs }] of incidents) {
        if (!repairs.includes(lastStarted)) continue;
        const kind = kinds.get(key)!.at(-1)!;
        const body = { reverts: lastStarted, repairs: [{ incident: key, kind }], by: 'ana', reason: '' };
        write('revert.done', key, { body, after });
        if (kind !== 'complete') kinds.set(key, kinds.get(key)!.slice(0, -1));
      }
    },
    /** A person decides about every incident. */
    say(kind: EntryKind, { after = 3 * days }: Look = {}) {
      for (const key of incidents.keys()) write(kind, key, { body: { by: 'ana', reason: 'known' }, after });
    },
    /** The rows of a report: it reads captures and the ledger, and no artifact. */
    report(given: Given, { after = 4 * days, ...rules }: Look & Partial<AuditRules> = {}): CoverageRow[] {
      const situation = seen({ ...given, artifacts: [], places: [] }, rulesAt(after, rules));
      return coverageRows(situation, classify(situation), { incidents, repairKinds: kinds });
    },
  };
}
