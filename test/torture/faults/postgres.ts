import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Moment } from '../../../jobs/repairing.ts';
import { parseConfig } from '../../../src/config.ts';
import { createSource, fillSource } from '../../../src/source/create.ts';
import { type Cluster, skipWithoutCluster, withCluster } from '../../cluster.ts';
import { fixture, incidentRows, runCommand, type Scene, using } from '../../failure/scene.ts';
import {
  assertIntact,
  assertSays,
  auditHeldAt,
  type Baseline,
  baselineOf,
  type Fault,
  type FaultGroup,
  nextRun,
  outcomeOf,
  wholeRepairs,
} from './bench.ts';
import { type Line, openLine } from './cut.ts';

/** Which of the two databases breaks. */
type Which = 'source' | 'ledger';

/** A scene whose source, and whose ledger where that is to break, are on the suite's own server, behind a line each. */
interface Bench {
  scene: Scene;
  which: Which;
  line: Line;
  /** The database that breaks, by its own address. */
  url: string;
  database: string;
  baseline: Baseline;
}

const template = 'source_before';
const role = 'roundwarden';

async function execute(url: string, ...statements: string[]): Promise<void> {
  await using(url, async ({ knex }) => {
    for (const statement of statements) await knex.raw(statement);
  });
}

const at = (url: string, database: string, user?: string): string => {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  if (user !== undefined) changed.username = user;
  return changed.href;
};

let made = 0;

async function withBench<T>(
  cluster: Cluster,
  of: { which: Which; direct?: boolean },
  work: (bench: Omit<Bench, 'baseline'>) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-fault-'));
  const [source, ledger] = [`source_${++made}`, `ledger_${made}`];
  const line = await openLine(cluster.port);
  try {
    await execute(
      cluster.url,
      `create database ${source} template ${template} owner ${role}`,
      `create database ${ledger} owner ${role}`,
    );
    const reached = (database: string) =>
      at(of.direct ? cluster.url : line.through(cluster.url), database, role);
    const direct = (database: string) => at(cluster.url, database, role);
    const environment = {
      DATA_DIR: join(directory, 'data'),
      SOURCE_NAME: 'scene',
      SOURCE_DATABASE_URL: of.which === 'source' ? reached(source) : direct(source),
      ...(of.which === 'ledger' ? { LEDGER_DATABASE_URL: reached(ledger) } : {}),
      GAMETIME_PATHS: join(fixture, 'gametimes'),
      LOG_LEVEL: 'warn',
    };
    const scene = { directory, sourceUrl: direct(source), environment, config: parseConfig(environment) };
    const database = of.which === 'source' ? source : ledger;
    return await work({ scene, which: of.which, line, database, url: at(cluster.url, database) });
  } finally {
    await line.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Something that is wrong from before a run until it is mended. */
interface Standing {
  name: string;
  which: Which;
  fast?: boolean;
  /** Makes it so, and answers with what mends it. */
  make: (bench: Bench) => Promise<() => Promise<void>>;
  code: number | readonly number[];
  says: RegExp;
  /** So long after it the next run is: a repair that was refused waits. */
  minutes?: number;
}

/** Something that happens in the middle of a run. */
interface Sudden {
  name: string;
  which: Which;
  fast?: boolean;
  moment: Moment;
  nth: number;
  inject: (bench: Bench) => Promise<void> | void;
  code: number | readonly number[];
  says: RegExp;
}

export const postgresGroup: FaultGroup = {
  name: 'PostgreSQL',
  unavailable: () => (skipWithoutCluster === false ? null : skipWithoutCluster),
  work: (each) =>
    withCluster({}, async (cluster) => {
      await execute(cluster.url, `create role ${role} login`, `create database ${template}`);
      await using(at(cluster.url, template), async (database) => {
        await createSource(database);
        await fillSource(database, incidentRows());
        await database.knex.raw(`do $$ declare name text; begin
          for name in select tablename from pg_tables where schemaname = 'public' loop
            execute format('alter table %I owner to ${role}', name);
          end loop; end $$`);
      });
      const baseline = await withBench(cluster, { which: 'source' }, ({ scene }) => baselineOf(scene));
      const bench = { cluster, baseline };
      await each([
        ...standing(cluster).map((fault) => standingFault(bench, fault)),
        ...sudden(cluster).map((fault) => suddenFault(bench, fault)),
      ]);
    }),
};

interface On {
  cluster: Cluster;
  baseline: Baseline;
}

function standingFault({ cluster, baseline }: On, fault: Standing): Fault {
  const { name, which, fast, make, code, says } = fault;
  return {
    name: `${which}: ${name}`,
    fast,
    run: () =>
      withBench(cluster, { which, direct: true }, async (bench) => {
        const mend = await make({ ...bench, baseline });
        const ended = await runCommand(bench.scene, ['audit', '--all']).finally(mend);
        assertSays(ended, { code, says });
        await wholeRepairs(bench.scene, baseline);
        return outcomeOf(ended, await nextRun(bench.scene, baseline, fault.minutes));
      }),
  };
}

function suddenFault({ cluster, baseline }: On, fault: Sudden): Fault {
  const { name, which, fast, moment, nth, inject, code, says } = fault;
  return {
    name: `${which}: ${name}`,
    fast,
    run: () =>
      withBench(cluster, { which }, async (bench) => {
        const ended = await auditHeldAt(bench.scene, {
          moment,
          nth,
          inject: () => inject({ ...bench, baseline }),
        });
        assertSays(ended, { code, says });
        await wholeRepairs(bench.scene, baseline);
        await assertIntact(bench.scene);
        return outcomeOf(ended, await nextRun(bench.scene, baseline));
      }),
  };
}

const both: readonly Which[] = ['source', 'ledger'];

function standing(cluster: Cluster): Standing[] {
  const altered =
    (set: string, reset: string) =>
    async ({ database }: Bench) => {
      await execute(cluster.url, `alter database ${database} ${set}`);
      return () => execute(cluster.url, `alter database ${database} ${reset}`);
    };
  return both.flatMap((which): Standing[] => [
    {
      name: 'server down',
      which,
      make: async () => {
        cluster.stop('fast');
        return async () => cluster.start();
      },
      code: 1,
      says: /^cannot open database \S+: no server answers there .*; start PostgreSQL/,
    },
    {
      name: 'no connection left (limit reached)',
      which,
      make: altered('connection limit 0', 'connection limit -1'),
      code: 1,
      says: /^cannot open database \S+: no connection is left .*; raise the limit/,
    },
    {
      name: 'read-only (default_transaction_read_only)',
      which,
      make: altered('set default_transaction_read_only = on', 'reset default_transaction_read_only'),
      ...(which === 'source'
        ? { code: 3, minutes: 16, says: /^$/ }
        : { code: 1, says: /^database \S+: it may only be read .*; let this user write there/ }),
    },
    {
      name: 'statement_timeout of 1 ms',
      which,
      make: altered("set statement_timeout = '1ms'", 'reset statement_timeout'),
      code: 1,
      says: /^(cannot open )?database \S+: a statement took too long .*; raise statement_timeout/,
    },
  ]);
}

const lost =
  /database \S+: the connection was lost .*; what was not committed is rolled back; the next run goes on$/;

/** A connection that breaks while it is idle is opened anew where that was noticed in time. */
const noticedOrNot = { code: [0, 1], says: /^$|the connection was lost/ };

function sudden(cluster: Cluster): Sudden[] {
  const restart = (mode: 'fast' | 'immediate') => () => {
    cluster.stop(mode);
    cluster.start();
  };
  const terminate = ({ database }: Bench) =>
    execute(
      cluster.url,
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`,
    );
  return both.flatMap((which): Sudden[] => {
    const ofSource = which === 'source';
    const common = { which, nth: 3, code: 1, says: lost };
    /** In the middle of the source's transaction the ledger's connection is idle. */
    const written = { ...common, moment: 'written', ...(ofSource ? {} : noticedOrNot) } as const;
    const where = ofSource ? 'in mid-transaction' : 'while the source is in mid-transaction';
    const atCommit = { ...common, moment: ofSource ? 'written' : 'committed' } as const;
    return [
      {
        ...common,
        ...noticedOrNot,
        name: 'server restarted between two transactions',
        moment: 'planned',
        inject: restart('fast'),
      },
      { ...written, name: `server restarted ${where}`, inject: restart('fast') },
      { ...written, name: `server killed ${where}`, inject: restart('immediate') },
      {
        ...common,
        ...noticedOrNot,
        name: 'server killed just after the source had committed',
        moment: 'committed',
        inject: restart('immediate'),
      },
      { ...written, name: `connection ended by the server ${where}`, inject: terminate },
      { ...written, name: `connection cut ${where}`, inject: ({ line }) => line.cut() },
      {
        ...atCommit,
        name: 'connection cut before COMMIT arrives',
        inject: ({ line }) => line.cutAtCommit('before the server has it'),
      },
      {
        ...atCommit,
        name: 'connection cut after COMMIT, before its answer',
        fast: ofSource,
        inject: ({ line }) => line.cutAtCommit('before its answer'),
      },
    ];
  });
}
