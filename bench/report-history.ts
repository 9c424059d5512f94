import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { audit } from '../jobs/audit.ts';
import { noProgress } from '../jobs/progress.ts';
import { makeReport, readReport } from '../jobs/report.ts';
import { formats } from '../reports/format.ts';
import { type Config, parseConfig } from '../src/config.ts';
import { withLedger } from '../src/context.ts';
import type { EntryDraft } from '../src/core/record.ts';
import { addDays, dayStart } from '../src/core/time.ts';
import { chunks, type Dialect } from '../src/database.ts';
import { append } from '../src/ledger/append.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { openLog } from '../src/log.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { dropDatabase } from './databases.ts';
import { evenings, usual, zone } from './evenings.ts';
import { installation } from './installation.ts';
import { byTurns, type Finding, ratioFinding } from './measure.ts';

const atMost = 1.3;
/** The day of the report: after the artifacts that a round may have begin (DESIGN, "Sane"), ten years are before it. */
const lastDay = '2031-02-20';
const shortDays = 10;
const roundsPerDay = 6;
const hourMs = 3_600_000;
/** A report takes a tenth of a second, and one differs from the next by as much as the goal leaves. */
const turnsPerTime = 6;

const log = openLog('silent');
const morningAfter = (day: string) => dayStart(addDays(day, 1), zone) * 1000 + 7 * hourMs;

/** Whole audits every three minutes, as the record of runs has them; those of the last 400 days are kept. */
async function recordRuns({ database }: Ledger, days: number): Promise<void> {
  const { knex, dialect } = database;
  const runs = Math.min(days, 400) * 480;
  const last = morningAfter(lastDay) / 1000 - 86_400;
  const numbers =
    dialect === 'postgres'
      ? `select generate_series(0, ${runs - 1}) as n`
      : `with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < ${runs - 1}) select n from numbers`;
  const at = (more: number) =>
    dialect === 'postgres'
      ? `to_char(to_timestamp(${last} - n * 180 + ${more}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"')`
      : `strftime('%Y-%m-%dT%H:%M:%S.000Z', ${last} - n * 180 + ${more}, 'unixepoch')`;
  await knex.raw(
    `insert into runs (id, command, host, pid, state, exit_code, started_at, finished_at, summary)
     select 'bench-' || n, 'audit', 'bench', 1, 'finished', 0, ${at(0)}, ${at(1)},
       case when n < 14400 then '{"scope":"lookback","rowsRead":42}' end from (${numbers}) as numbered`,
  );
}

/** A report of each day before the last, with its mail; now and then a place that was away for an hour. */
async function recordReports(ledger: Ledger, source: string, days: number): Promise<void> {
  const drafts: EntryDraft[] = [];
  const mails: object[] = [];
  for (let back = days; back > 1; back--) {
    const day = addDays(lastDay, 1 - back);
    const at = new Date(morningAfter(day)).toISOString();
    const body = { run: 'bench', day, byHand: false, mailed: true, title: day, state: 'clean', sha256: '' };
    drafts.push({ kind: 'report.made', source, key: `report:${day}`, body });
    const place = { place: '/srv/gametimes', why: 'it lists no artifact' };
    if (back % 10 === 0)
      for (const kind of ['place.unreadable', 'place.readable'] as const)
        drafts.push({ kind, source, key: 'place:/srv/gametimes', body: place });
    mails.push({
      ...{ id: `${day}|mail`, message_key: day, channel: 'mail', message: '{}', state: 'sent', attempts: 1 },
      ...{ created_at: at, next_at: at, sent_at: at },
    });
  }
  for (const chunk of chunks(drafts))
    await append(ledger, chunk, new Date(morningAfter(lastDay)).toISOString());
  for (const chunk of chunks(mails)) await ledger.database.knex('outbox').insert(chunk);
}

/** An installation of so many days that was audited all along: what could be repaired is, the rest is written off. */
export async function lived(
  dialect: Dialect,
  of: { directory: string; name: string; days: number; seed: number },
) {
  const { directory, name, days, seed } = of;
  const played = evenings({ seed, lastDay, days, rounds: roundsPerDay, ...usual });
  const gone = played.filter(({ left }, at) => left !== 'capture' || at > played.length - 500);
  const more = { CAPTURE_SINCE: '2020-02-01', MAX_REPAIRS: '0', LOG_LEVEL: 'silent' };
  const settings = await installation(dialect, {
    directory,
    name,
    played,
    artifacts: gone,
    spawns: false,
    more,
  });
  const config = parseConfig(settings);
  // The old history in one audit, a month before; then the last days in one.
  for (const back of days > 40 ? [30, 0] : [0])
    await audit({
      ...{ config, log, progress: noProgress, scope: { kind: 'all' } },
      nowMs: morningAfter(addDays(lastDay, -back)) + 24 * hourMs,
    });
  await withLedger(config, async (ledger) => {
    await recordRuns(ledger, days);
    await recordReports(ledger, config.sourceName, days);
    if (dialect === 'postgres') await ledger.database.knex.raw('analyze');
  });
  return { config, rounds: played.length };
}

async function measure(dialect: Dialect, options: BenchOptions): Promise<Finding[]> {
  const rounds = options.sizeOf({ full: 20_000, small: 2_000 });
  const days = { long: Math.ceil(rounds / roundsPerDay), short: shortDays };
  const worlds: { config: Config; rounds: number }[] = [];
  const names = Object.keys(days) as (keyof typeof days)[];
  for (const name of names) {
    const directory = join(options.directory, `${dialect}_${name}`);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    options.say(`${dialect}: ${days[name]} days are lived through`);
    worlds.push(
      await lived(dialect, { directory, name: `report_${name}`, days: days[name], seed: options.seed }),
    );
  }
  const [long, short] = worlds as [(typeof worlds)[0], (typeof worlds)[0]];
  const asked = { asked: { day: lastDay }, nowMs: morningAfter(lastDay) + 25 * hourMs };
  const made = (world: Config) => () => makeReport({ config: world, ...asked, formats });
  const read = (world: Config) => () => readReport({ config: world, ...asked });
  for (const { config } of worlds) await made(config)();
  const turns = turnsPerTime * options.times;
  const whole = await byTurns(turns, { product: made(long.config), limit: made(short.config) });
  const reading = await byTurns(turns, { product: read(long.config), limit: read(short.config) });
  for (const name of names)
    for (const kind of ['source', 'ledger'])
      await dropDatabase(dialect, {
        directory: join(options.directory, `${dialect}_${name}`),
        name: `report_${name}_${kind}`,
      });
  const size = `${dialect}, ${long.rounds.toLocaleString('en')} rounds of ${days.long.toLocaleString('en')} days`;
  const limit = `the same with the last ${shortDays} of those days alone`;
  return [
    ratioFinding({ measure: "one day's report, four files", size, limit }, { samples: whole, atMost }),
    ratioFinding({ measure: 'of that, reading what it says', size, limit }, { samples: reading, atMost: 3 }),
  ];
}

/**
 * What `roundwarden report --date DAY` does once it is loaded, in this process: loading is the same for both, and would
 * hide what the history costs.
 */
export const bench: Bench = {
  id: 'report-history',
  about: "one day's report with ten years of history, against the same with ten days; both after loading",
  async run(options) {
    const findings: Finding[] = [];
    for (const dialect of options.dialects) findings.push(...(await measure(dialect, options)));
    return findings;
  },
};
