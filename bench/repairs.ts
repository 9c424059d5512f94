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
import type { RowChange } from '../src/core/row-change.ts';
import { understand } from '../src/core/situation.ts';
import { closeDatabase, type Database, type Dialect, openDatabase } from '../src/database.ts';
import { append } from '../src/ledger/append.ts';
import { eachEntry, entryToRow } from '../src/ledger/entries.ts';
import { type incidentToRow, openIncidents } from '../src/ledger/incidents.ts';
import { ledgerSchema, migrate } from '../src/ledger/migrations.ts';
import { createSource, fillSource } from '../src/source/create.ts';
import { fromRow } from '../src/source/rows.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { copiedDatabase, dropDatabase, keptDatabase } from './databases.ts';
import { byTurns, type Finding, median, ratioFinding } from './measure.ts';
import { type Gap, gapsOf, zone } from './repairs-data.ts';
import { type BareBatch, bareWriter } from './repairs-limit.ts';

const players = 6;
const batchSize = 500;
const nowMs = Date.parse('2026-11-01T12:00:00Z');
const at = new Date(nowMs).toISOString();
const sourceName = 'bench';
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

const timing = [
  ['id', 'integer'],
  ['round_start_unix', 'bigint'],
  ['round_end_unix', 'bigint'],
  ['actual_duration_seconds', 'integer'],
  ['end_reason', 'text'],
  ['round_canonical_id', 'text'],
] as const;

function sourceRows(changes: readonly RowChange[], dialect: Dialect): BareBatch['source'] {
  const inserted = (table: string) => {
    const rows = changes
      .filter((change) => change.table === table)
      .map(({ after }) => ({ ...fromRow(after!, dialect), captured_at: at }));
    const columns = Object.keys(rows[0]!);
    return { table, columns, keys: 0, write: 'insert' as const, rows: rows.map((row) => Object.values(row)) };
  };
  const columns = timing.map(([column]) => column);
  const rows = changes
    .filter(({ table }) => table === 'rounds')
    .map(({ key, after }) => columns.map((column) => key[column] ?? after![column]!));
  const types = timing.map(([, type]) => type);
  return [
    inserted('lua_round_teams'),
    inserted('lua_spawn_stats'),
    { table: 'rounds', columns, types, keys: 1, write: 'update', rows },
  ];
}

/** What a run of the product left, as rows for the drivers. */
async function batchesLeft(scene: Scene): Promise<BareBatch[]> {
  const { dialect, plan, config } = scene;
  const { entries, incidents } = await withLedger(config, async (ledger) => {
    const all: ReturnType<typeof entryToRow>[] = [];
    for await (const entry of eachEntry(ledger, { afterSeq: plan.planned.length }))
      all.push(entryToRow(entry));
    const rows = await ledger.database.knex('incidents').select('*').orderBy('id');
    return { entries: all, incidents: rows as ReturnType<typeof incidentToRow>[] };
  });
  const table = (name: string) => (dialect === 'postgres' ? `${ledgerSchema}.${name}` : name);
  const [text, whole] = ['text', dialect === 'postgres' ? 'bigint' : 'integer'];
  const batches: BareBatch[] = [];
  for (let from = 0; from < plan.planned.length; from += batchSize) {
    const groups = plan.planned.slice(from, from + batchSize);
    const changed = incidents.slice(from, from + batchSize);
    const written = entries.slice(2 * from, 2 * (from + batchSize));
    batches.push({
      source: sourceRows(
        groups.flatMap(({ changes }) => changes),
        dialect,
      ),
      ledger: [
        {
          ...{ table: table('entries'), columns: Object.keys(written[0]!), keys: 0, write: 'insert' },
          rows: written.map((row) => Object.values(row)),
        },
        {
          ...{ table: table('incidents'), keys: 2, write: 'update' },
          columns: ['source', 'key', 'is_open', 'last_seq', 'state'],
          types: [text, text, whole, whole, text],
          rows: changed.map(({ source, key, is_open, last_seq, state }) => [
            source,
            key,
            is_open,
            last_seq,
            state,
          ]),
        },
      ],
    });
  }
  return batches;
}

async function measure(dialect: Dialect, options: BenchOptions): Promise<Finding> {
  const count = options.sizeOf({ full: 20_000, small: 1_000 });
  options.say(`${dialect}: ${count} repairs`);
  const scene = await sceneOf(dialect, { ...options, count });
  await prepare(scene);
  await repairPlan(scene);
  const bare = await bareWriter({ dialect, batches: await batchesLeft(scene) });
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
    limit: 'the same rows, in transactions of 500',
  };
  const rate = count / (median(samples.product) / 1000);
  const goal = { of: 'repairs', is: rate, unit: 'per second', atLeast: perSecond[dialect] } as const;
  return ratioFinding(about, { samples, atMost: 2.5, goals: [goal] });
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
