import assert from 'node:assert/strict';
import type { AuditResult } from '../../../jobs/audit-result.ts';
import { verifyExitCode, verifyLedger } from '../../../jobs/ledger.ts';
import type { Moment } from '../../../jobs/repairing.ts';
import { canonicalJson } from '../../../src/core/canonical.ts';
import { counted } from '../../../src/core/counted.ts';
import type { FoldEntry } from '../../../src/core/incident.ts';
import type { Json, Row } from '../../../src/core/model.ts';
import type { RowChange } from '../../../src/core/row-change.ts';
import {
  bodyOf,
  dumpSource,
  type Ended,
  ofKind,
  readLedger,
  repairsDone,
  runAudit,
  type Scene,
  start,
} from '../../failure/scene.ts';

/** What a fault came to, as a line of the table in `docs/reliability.md`. */
export interface Outcome {
  exit: number | null;
  /** The first line that a person reads on standard error; empty where nothing is said. */
  said: string;
  /** What the next good run does. */
  next: string;
}

/** One thing that breaks. */
export interface Fault {
  name: string;
  /** Also tried with every change. */
  fast?: boolean;
  /** Breaks it, looks, mends it, looks again; throws where something does not hold. */
  run: () => Promise<Outcome>;
}

/** Faults that share something: a server, a small disk, a user without rights. */
export interface FaultGroup {
  name: string;
  /** Why they cannot be tried here; null where they can. */
  unavailable: () => string | null;
  work: (each: (faults: readonly Fault[]) => Promise<void>) => Promise<void>;
}

/** What the source is before a run, what an undisturbed run makes of it, and what belongs together. */
export interface Baseline {
  before: string[];
  after: string[];
  counts: AuditResult['after'];
  /** The rows of each repair group, which are written whole or not at all. */
  groups: string[][];
}

const keyColumns: Record<string, readonly string[]> = {
  rounds: ['id'],
  lua_round_teams: ['match_id', 'round_number'],
  lua_spawn_stats: ['match_id', 'round_number', 'player_guid'],
};

const rowId = (table: string, row: Row) =>
  [table, ...keyColumns[table]!.map((column) => row[column])].join(' ');

function byRow(dump: readonly string[]): Map<string, string> {
  return new Map(
    dump.map((line) => {
      const at = line.indexOf(' ');
      return [rowId(line.slice(0, at), JSON.parse(line.slice(at + 1)) as Row), line];
    }),
  );
}

/** Looks at a source that nobody disturbs, and lets one audit work on it. */
export async function baselineOf(scene: Scene): Promise<Baseline> {
  const before = await dumpSource(scene.sourceUrl);
  const result = await runAudit(scene, { nowMs: Date.now() });
  const started = ofKind((await readLedger(scene)).entries, 'repair.started');
  const groups = started.map((entry) =>
    (bodyOf(entry).changes as unknown as RowChange[]).map(({ table, key }) => rowId(table, key)),
  );
  assert.ok(groups.length > 0, 'the undisturbed run repairs something');
  return { before, after: await dumpSource(scene.sourceUrl), counts: result.after, groups };
}

/** How many repairs the source holds; throws where one is there in part, or anything else has changed. */
export async function wholeRepairs(scene: Scene, baseline: Baseline): Promise<number> {
  const now = byRow(await dumpSource(scene.sourceUrl));
  const [before, after] = [byRow(baseline.before), byRow(baseline.after)];
  for (const [id, line] of now)
    assert.ok(line === before.get(id) || line === after.get(id), `this row is neither old nor new: ${line}`);
  for (const id of before.keys()) assert.ok(now.has(id), `this row is gone: ${id}`);
  const written = baseline.groups.filter((ids) => {
    const states = new Set(ids.map((id) => (now.get(id) === after.get(id) ? 'new' : 'old')));
    assert.equal(states.size, 1, `a repair is there in part: ${ids.join(', ')}`);
    return states.has('new');
  });
  return written.length;
}

/** Re-hashes the ledger and the rows that it speaks of; throws where anything is not as it was written. */
export async function assertIntact(scene: Scene): Promise<void> {
  const check = await verifyLedger(scene.config, { anchors: [], rows: true });
  assert.equal(verifyExitCode(check), 0, JSON.stringify(check));
}

const interrupted = new Set(['repair.done', 'repair.not_done', 'repair.superseded']);

function closings(entries: readonly FoldEntry[]): string[] {
  const closed = entries.filter(({ kind, body }) => {
    const { because } = body as { because?: Json };
    return (
      interrupted.has(kind) && typeof because === 'string' && because.startsWith('the run was interrupted')
    );
  });
  return closed.map(({ kind }) => kind.slice('repair.'.length).replace('_', ' '));
}

/**
 * The next good run: the state that it leaves must be that of a run which nobody disturbed, with each repair
 * recorded once, the ledger intact, and nothing left for the run after it. `minutes` later, where a repair was refused
 * and waits. Says what it did.
 */
export async function nextRun(scene: Scene, baseline: Baseline, minutes = 0): Promise<string> {
  const before = (await readLedger(scene)).entries.length;
  const result = await runAudit(scene, { nowMs: Date.now() + minutes * 60_000 });
  assert.deepEqual(await dumpSource(scene.sourceUrl), baseline.after);
  assert.equal(
    canonicalJson(result.after as unknown as Json),
    canonicalJson(baseline.counts as unknown as Json),
  );
  const { entries } = await readLedger(scene);
  const done = repairsDone(entries);
  assert.equal(done.size, baseline.groups.length);
  assert.deepEqual([...new Set(done.values())], [1], 'each repair is recorded once');
  await assertIntact(scene);
  const again = await runAudit(scene, { nowMs: Date.now() });
  assert.deepEqual(again.plan, []);
  assert.equal(
    (await readLedger(scene)).entries.length,
    entries.length,
    'the run after it finds nothing to do',
  );
  const closed = closings(entries.slice(before)).map((how) => `closes the open repair as ${how}`);
  const made = result.plan.filter(({ outcome }) => outcome === 'done').length;
  const rest = made === 0 ? 'nothing was left to do' : `makes ${counted(made, 'repair')}`;
  return [...closed, rest].join('; ');
}

/** How a process ended, as a line of the table. */
export function outcomeOf({ code, stderr }: Ended, next: string): Outcome {
  const lines = stderr.split('\n').filter((line) => line !== '');
  const said = lines.find((line) => line.startsWith('roundwarden: ')) ?? lines[0] ?? '';
  return { exit: code, said: said.replace(/^roundwarden: /, ''), next };
}

/** What must hold of what a person reads: the sentence, on one line, and no stack of calls. */
export function assertSays(ended: Ended, expected: { code: number | readonly number[]; says: RegExp }): void {
  const { exit, said } = outcomeOf(ended, '');
  assert.ok([expected.code].flat().includes(exit!), `exit ${exit}: ${ended.stderr}${ended.signal ?? ''}`);
  assert.doesNotMatch(ended.stderr, /\n {4}at /, 'no stack of calls');
  assert.match(said, expected.says);
}

/** An audit that is stopped at a moment, while `inject` breaks something, and goes on. */
export async function auditHeldAt(
  scene: Scene,
  at: { moment: Moment; nth: number; inject: () => Promise<void> | void; through?: readonly string[] },
): Promise<Ended> {
  const { environment, directory } = scene;
  const { moment, nth, inject, through } = at;
  const child = start('test/torture/faults/audit-child.ts', [moment, String(nth)], {
    environment,
    cwd: directory,
    through,
  });
  try {
    await child.says('ready');
    await inject();
    child.tell('go on\n');
    return await child.ended;
  } catch (thrown) {
    child.kill();
    throw thrown;
  }
}
