import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const versions = '/usr/lib/postgresql';

/** Where the programs of the newest PostgreSQL server of this machine are; null where there is none. */
function serverPrograms(): string | null {
  if (!existsSync(versions)) return null;
  const newest = readdirSync(versions).sort((one, other) => Number(other) - Number(one))[0];
  const path = join(versions, newest ?? '', 'bin');
  return existsSync(join(path, 'initdb')) ? path : null;
}

const isRoot = process.getuid?.() === 0;
const programs = serverPrograms();

/** The reason to skip a test that needs a PostgreSQL server of its own, or false. */
export const skipWithoutCluster: string | false =
  programs === null ? 'needs the programs of a PostgreSQL server in /usr/lib/postgresql' : false;

/** A PostgreSQL server of one's own, on a free port of this machine, in the clear and with trust by default. */
export interface Cluster {
  directory: string;
  port: number;
  /** `postgres://postgres@127.0.0.1:PORT/postgres`. */
  url: string;
  start(): void;
  /** `fast` ends connections, `immediate` is as if the power had gone. */
  stop(mode: 'fast' | 'immediate'): void;
}

/** PostgreSQL refuses to run as root. */
function asServerUser(program: string, args: readonly string[]): void {
  const path = join(programs!, program);
  const [command, all] = isRoot ? ['setpriv', [...asPostgres, path, ...args]] : [path, args];
  const { status, error, stderr, stdout } = spawnSync(command as string, all as string[], {
    encoding: 'utf8',
    cwd: tmpdir(),
  });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? ''}${stderr}${stdout}`);
}

const asPostgres = ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--'];
const idOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Gives a file or directory to the user that the server runs as. */
export function giveToServer(path: string): void {
  if (isRoot) chownSync(path, idOf('-u'), idOf('-g'));
}

/**
 * Starts a server, and removes it whatever `work` does: with more lines in its `postgresql.conf`, and other ones in its
 * `pg_hba.conf`.
 */
export async function withCluster<T>(
  options: { settings?: (directory: string) => readonly string[]; access?: readonly string[] },
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-cluster-'));
  const data = join(directory, 'data');
  const port = await freePort();
  chmodSync(directory, 0o755);
  giveToServer(directory);
  const run = (...args: string[]) =>
    asServerUser('pg_ctl', ['-D', data, '-w', '-s', '-l', join(directory, 'log'), ...args]);
  let running = false;
  const cluster: Cluster = {
    directory,
    port,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    start() {
      run('start');
      running = true;
    },
    stop(mode) {
      run('stop', '-m', mode);
      running = false;
    },
  };
  try {
    asServerUser('initdb', [
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'trust',
      '--no-sync',
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
    ]);
    const settings = [
      `port = ${port}`,
      `listen_addresses = '127.0.0.1'`,
      `unix_socket_directories = '${directory}'`,
      ...(options.settings?.(directory) ?? []),
    ];
    appendFileSync(join(data, 'postgresql.conf'), `${settings.join('\n')}\n`);
    if (options.access !== undefined) {
      rmSync(join(data, 'pg_hba.conf'));
      appendFileSync(join(data, 'pg_hba.conf'), `${options.access.join('\n')}\n`);
      giveToServer(join(data, 'pg_hba.conf'));
    }
    cluster.start();
    return await work(cluster);
  } finally {
    if (running) cluster.stop('immediate');
    rmSync(directory, { recursive: true, force: true });
  }
}
