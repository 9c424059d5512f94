import type { Moment } from '../../jobs/repairing.ts';
import { foldEntry, withLedgerToRead } from '../../src/context.ts';
import type { FoldEntry } from '../../src/core/incident.ts';
import type { RowChange } from '../../src/core/row-change.ts';
import type { Head } from '../../src/ledger/chain.ts';
import { eachEntry, head } from '../../src/ledger/entries.ts';
import { lastRuns } from '../../src/ledger/runs.ts';
import { bodyOf, type Ended, ofKind, using } from '../failure/scene.ts';
import { bundled, startBundled } from './bundle.ts';
import { type Installation, repairGroups } from './installation.ts';

/** When a process is killed: after some milliseconds, or by itself when it comes to a moment for the nth time. */
export type Kill = { afterMs: number } | { moment: Moment; nth: number };

const moments: readonly Moment[] = ['planned', 'started', 'written', 'committed'];
const program = 'test/failure/audit-child.ts';

/**
 * One kill in three is at an exact moment of a repair that is still to be made; the others fall into the whole life of
 * a run, more of them late than early: at first it only loads itself.
 */
export function chooseKill(chance: () => number, of: { lifeMs: number; repairs: number }): Kill {
  const [which, when] = [chance(), chance()];
  if (which >= 0.33 || of.repairs === 0) return { afterMs: Math.sqrt(when) * of.lifeMs };
  const moment = moments[Math.floor((which / 0.33) * moments.length)]!;
  return { moment, nth: 1 + Math.floor(when * of.repairs) };
}

export const killText = (kill: Kill): string =>
  'afterMs' in kill ? `after ${Math.round(kill.afterMs)} ms` : `at ${kill.moment} of repair ${kill.nth}`;

/** Runs an audit of everything and kills it. It may have ended before. */
export async function runAndKill(installation: Installation, kill: Kill, nowMs: number): Promise<Ended> {
  const [moment, nth] = 'afterMs' in kill ? ['never', 1] : [kill.moment, kill.nth];
  const args = ['kill', moment, String(nth), String(nowMs)];
  const child = startBundled(await bundled(program), args, installation);
  const timer = 'afterMs' in kill ? setTimeout(child.kill, kill.afterMs) : undefined;
  try {
    return await child.ended;
  } finally {
    clearTimeout(timer);
  }
}

/** How long an audit that nobody disturbs lives, in a process of its own. */
export async function lifeOf(installation: Installation, nowMs: number): Promise<number> {
  const began = performance.now();
  const { code, stderr } = await runAndKill(installation, { moment: 'planned', nth: 1_000 }, nowMs);
  if (code !== 0) throw new Error(`an audit that nobody disturbs failed: ${stderr}`);
  return performance.now() - began;
}

/** How far a killed run had come. */
export const stages = [
  'before it was recorded',
  'before its first repair',
  'in a repair',
  'between two repairs',
  'after its last repair',
] as const;
export type Stage = (typeof stages)[number];

/** What a kill left behind. */
export interface Left {
  stage: Stage;
  head: Head | null;
  /** The repairs that are begun and not closed. */
  open: FoldEntry[];
  /** How many are still to be made, those among them whose end is not known. */
  repairs: number;
}

const nothing: Left = { stage: 'before it was recorded', head: null, open: [], repairs: repairGroups };

/** Looks at what a kill left; `runsBefore`: how many runs had been recorded before. */
export async function whatIsLeft(
  installation: Installation,
  runsBefore: number,
): Promise<Left & { runs: number }> {
  return withLedgerToRead(installation.config, async (ledger) => {
    if (ledger === null) return { ...nothing, runs: 0 };
    const entries: FoldEntry[] = [];
    for await (const entry of eachEntry(ledger)) entries.push(foldEntry(entry));
    const runs = await lastRuns(ledger.database, { limit: 100 });
    const closed = new Set(entries.map((entry) => bodyOf(entry).started));
    const open = ofKind(entries, 'repair.started').filter(({ seq }) => !closed.has(seq));
    const ended = entries.filter(({ kind }) => kind === 'repair.done' || kind === 'repair.superseded');
    const repairs = repairGroups - ended.length;
    const left = { head: await head(ledger), open, repairs, runs: runs.length };
    if (runs.length === runsBefore) return { ...left, stage: 'before it was recorded' };
    return { ...left, stage: stageOf(entries, left, runs[0]!.id) };
  });
}

function stageOf(
  entries: readonly FoldEntry[],
  { open, repairs }: Pick<Left, 'open' | 'repairs'>,
  run: string,
): Stage {
  const started = ofKind(entries, 'repair.started').filter((entry) => bodyOf(entry).run === run);
  if (started.length === 0) return 'before its first repair';
  if (open.some((entry) => bodyOf(entry).run === run)) return 'in a repair';
  return repairs > 0 ? 'between two repairs' : 'after its last repair';
}

/**
 * The live pipeline stores the captures of interrupted backfills itself, with the same values: those that were written
 * are its own from then on. How many there were.
 */
export async function pipelineStores(
  installation: Installation,
  open: readonly FoldEntry[],
  at: string,
): Promise<number> {
  const changes = open.flatMap((entry) => bodyOf(entry).changes as unknown as RowChange[]);
  const inserted = changes.filter(({ table, before }) => table === 'lua_round_teams' && before === null);
  let stored = 0;
  await using(installation.sourceUrl, async ({ knex }) => {
    for (const { key } of inserted)
      stored += await knex('lua_round_teams')
        .where(key as Record<string, string>)
        .update({ captured_at: at });
  });
  return stored;
}
