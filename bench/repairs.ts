import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makePlan, type Plan } from '../jobs/planning.ts';
import { noProgress } from '../jobs/progress.ts';
import { repairAll } from '../jobs/repairing.ts';
import { runJob } from '../jobs/run.ts';
import { type Config, parseConfig } from '../src/config.ts';
import { incidentFold, withLedger, withSource } from '../src/context.ts';
import type { Incident } from '../src/core/incident.ts';
import { gapEntries } from '../src/core/record.ts';
import { understand } from '../src/core/situation.ts';
import { closeDatabase, type Database, type Dialect, openDatabase } from '../src/database.ts';
import { append } from '../src/ledger/append.ts';
import { openIncidents } from '../src/ledger/incidents.ts';
import { ledgerSchema, migrate } from '../src/ledger/migrations.ts';
import { createSource, fillSource } from '../src/source/create.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { copiedDatabase, dropDatabase, keptDatabase } from './databases.ts';
import { byTurns, type Finding, type Goal, median, ratioFinding } from './measure.ts';
import { type Gap, gapsOf, zone } from './repairs-data.ts';
import { bareWriter } from './repairs-limit.ts';
import { batchesOf, rowsLeft } from './repairs-rows.ts';

const players = 6;
const nowMs = Date.parse('2026-11-01T12:00:00Z');
const at = new Date(nowMs).toISOString();
const sourceName = 'bench';
/** The goals: of the ratio, and of the rate on a machine that has room for it. */
const atMost = 2.5;
const perSecond: Record<Dialect, number> = { sqlite: 5_000, postgres: 2_000 };

/** What the product starts from, and what its end state is made of. */
interface Scene {
  dialect: Dialect;
  directory: string;
  config: Config;
  urls: { source: string; ledger: string };
  templates: { source: string; ledger: string };
  plan: Plan;
  incidents: ReadonlyMap<string, Incident>;
}

function configOf(urls: Scene['urls'], directory: string): Config {
  return parseConfig({
    SOURCE_DATABASE_URL: urls.source,
    LEDGER_DATABASE_URL: urls.ledger,
    SOURCE_NAME: sourceName,
    DATA_DIR: join(directory, 'data'),
    SERVER_TIMEZONE: zone,
    GAMETIME_PATHS: 'none',
    MAX_REPAIRS: '0',
  });
}

/** The plan of an audit that found every gap recoverable; nothing of it is read from files. */
function planOf(gaps: readonly Gap[], config: Config): Promise<Plan> {
  const rounds = gaps.map(({ round }) => round);
  const facts = {
    ...{ judged: rounds, rivals: rounds, captures: [], artifacts: gaps.map(({ artifact }) => artifact) },
    ...{ places: [], spawnKeys: new Set<string>(), decisions: new Map() },
  };
  const { zone, graceMinutes, settleHours, captureSince } = config;
  const rules = {
    nowUnix: nowMs / 1000,
    zone,
    graceMinutes,
    settleHours,
    captureSince,
    repairCovered: false,
  };
  return withSource(config, {}, (source) => makePlan(understand(facts, rules), source));
}

async function fillLedger(database: Database, plan: Plan): Promise<void> {
  if (database.dialect === 'postgres') await database.knex.raw(`create schema ${ledgerSchema}`);
  await migrate(database);
  const drafts = gapEntries({
    ...{ source: sourceName, run: 'before', assessments: plan.assessments, incidents: new Map(), places: [] },
    ...{ looksForVanished: false, packets: new Map() },
  });
  const ledger = { database, headFile: null, fold: incidentFold };
  for (let from = 0; from < drafts.length; from += 1000)
    await append(ledger, drafts.slice(from, from + 1000), at);
}

async function sceneOf(dialect: Dialect, of: BenchOptions & { count: number }): Promise<Scene> {
  const { seed, count, directory } = of;
  const gaps = gapsOf(count, { seed, players });
  const name = (what: string) => `repairs_${what}_${count}_${seed}`;
  const templates = { source: name('source'), ledger: name('ledger') };
  const source = await keptDatabase(dialect, { directory, name: templates.source }, async (database) => {
    await createSource(database);
    await fillSource(database, { rounds: gaps.map(({ row }) => row) });
    if (dialect === 'postgres') await database.knex.raw('analyze');
  });
  const plan = await planOf(gaps, configOf({ source, ledger: 'sqlite:none' }, directory));
  if (plan.planned.length !== count)
    throw new Error(`${plan.planned.length} of ${count} repairs are planned`);
  const ledger = await keptDatabase(dialect, { directory, name: templates.ledger }, async (database) => {
    const url = dialect === 'postgres' ? new URL(source) : null;
    if (url !== null) url.pathname = `/rw_bench_${templates.ledger}`;
    const inSchema = url === null ? database : await openDatabase(url.href, { schema: ledgerSchema });
    await fillLedger(inSchema, plan);
    if (dialect === 'postgres') await inSchema.knex.raw('analyze');
    if (inSchema !== database) await closeDatabase(inSchema);
  });
  const incidents = await withLedger(configOf({ source, ledger }, directory), async (opened) => {
    const found = await openIncidents(opened, sourceName);
    return new Map(found.map(({ key, state }) => [key, state as unknown as Incident]));
  });
  const urls = { source: '', ledger: '' };
  return {
    dialect,
    directory,
    config: configOf({ source, ledger }, directory),
    urls,
    templates,
    plan,
    incidents,
  };
}

const copyNames = { source: 'repairs_source', ledger: 'repairs_ledger' };

/** Fresh copies of both databases. */
async function prepare(scene: Scene): Promise<void> {
  const { dialect, directory, templates, urls } = scene;
  for (const which of ['source', 'ledger'] as const)
    urls[which] = await copiedDatabase(dialect, {
      directory,
      name: copyNames[which],
      from: templates[which],
    });
  scene.config = configOf(urls, directory);
  rmSync(scene.config.dataDir, { recursive: true, force: true });
}

/** The repairs of the plan, in a run with lease and fence, recorded in the ledger. */
async function repairPlan({ config, plan, incidents }: Scene): Promise<void> {
  const outcomes = await runJob(config, { command: 'audit', nowMs }, (run) =>
    withSource(config, {}, async (source) => {
      const { planned, fingerprint } = plan;
      const shop = { config, source, run, fingerprint, incidents, progress: noProgress };
      return { exitCode: 0, summary: null, result: await repairAll(planned, shop) };
    }),
  );
  const done = [...outcomes.result.values()].filter((outcome) => outcome === 'done').length;
  if (done !== plan.planned.length) throw new Error(`${done} of ${plan.planned.length} repairs are done`);
}

async function measure(dialect: Dialect, options: BenchOptions): Promise<Finding> {
  const count = options.sizeOf({ full: 20_000, small: 4_000 });
  options.say(`${dialect}: ${count} repairs`);
  const scene = await sceneOf(dialect, { ...options, count });
  await prepare(scene);
  await repairPlan(scene);
  const left = await rowsLeft(scene.config);
  const bare = await bareWriter({ dialect, batches: await batchesOf(scene, at) });
  await prepare(scene);
  await bare.write(scene.urls);
  if (left !== (await rowsLeft(scene.config)))
    throw new Error('the bare statements leave other rows than the repairs do');
  const samples = await byTurns(options.times, {
    prepare: () => prepare(scene),
    product: () => repairPlan(scene),
    limit: () => bare.write(scene.urls),
  });
  await bare.close();
  for (const name of Object.values(copyNames))
    await dropDatabase(dialect, { directory: options.directory, name });
  const about = {
    measure: `backfilling (${dialect})`,
    size: `${count} rounds of ${players} players`,
    limit: 'the same rows by bare statements, in transactions of 500',
  };
  const rateOf = (milliseconds: readonly number[]) => count / (median(milliseconds) / 1000);
  const rate: Goal = {
    ...{ of: 'repairs', unit: 'per second', atLeast: perSecond[dialect] },
    ...{ is: rateOf(samples.product), limitIs: rateOf(samples.limit), besides: atMost },
  };
  return ratioFinding(about, { samples, atMost, goals: [rate] });
}

/** Backfills of a plan that is made, against the rows that they leave behind. */
export const bench: Bench = {
  id: 'repairs',
  about: 'backfills with spawn rows, timing and ledger, against the same rows by the drivers alone',
  async run(options) {
    const findings: Finding[] = [];
    for (const dialect of options.dialects) findings.push(await measure(dialect, options));
    return findings;
  },
};
