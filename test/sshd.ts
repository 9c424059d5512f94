import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const program = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd'].find((path) => existsSync(path));

/** The reason to skip a test that needs an OpenSSH server, or false. */
export const skipWithoutSshd = program === undefined && 'needs sshd: install openssh-server';

/** A real OpenSSH server on loopback, of the user who runs the tests. */
export interface Sshd {
  user: string;
  port: number;
  /** Holds the files below, and nothing else. */
  directory: string;
  keyPath: string;
  knownHostsPath: string;
  /** The address of a directory of this host. */
  at(path: string): string;
  /** Cuts off whoever is connected; others may still connect. */
  dropSessions(): void;
  /** Stops all its processes where they are: it takes connections, and answers nothing. */
  freeze(): void;
  thaw(): void;
  /** How often somebody was let in since it was started. */
  logins(): number;
  /** Ends it with everything that it has started. */
  stop(): Promise<void>;
  /** Starts it again on its port: with its own host key, and every request allowed, where nothing else is said. */
  start(options?: { hostKey?: string; denied?: readonly string[] }): Promise<void>;
  /** A new key pair; the path of its private half. */
  makeKey(name: string, options?: { passphrase?: string; type?: string }): string;
  /** Pins what stands in the public half of a host key, instead of the server's own. */
  pin(...hostKeys: string[]): void;
  close(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

/** The processes that a process has started, and theirs (proc(5)). */
function descendants(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const children = text.split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

async function launch(configPath: string): Promise<{ child: ChildProcess; log: () => string }> {
  const child = spawn(program!, ['-D', '-e', '-f', configPath], { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  // A test that ends without a word leaves no server behind.
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`sshd ended with ${code}: ${text}`)));
    child.stderr!.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (text.includes('Server listening on')) resolve();
    });
  });
  return { child, log: () => text };
}

/** Starts a server with keys of its own. A port that somebody else took meanwhile is tried again. */
export async function startSshd(): Promise<Sshd> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-sshd-'));
  // Where the server goes before anybody is let in; only root's needs it.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const { username: user } = userInfo();
  const inside = (name: string) => join(directory, name);
  const makeKey: Sshd['makeKey'] = (name, { passphrase = '', type = 'ed25519' } = {}) => {
    const path = inside(name);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-a', '1', '-N', passphrase, '-C', name, '-f', path]);
    return path;
  };
  const publicOf = (path: string) => readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  const hostKeyPath = makeKey('host_key');
  const keyPath = makeKey('user_key');
  writeFileSync(inside('authorized_keys'), `${publicOf(keyPath)}\n`);
  let port = await freePort();
  let running: Awaited<ReturnType<typeof launch>> | null = null;

  const start: Sshd['start'] = async ({ hostKey = hostKeyPath, denied = [] } = {}) => {
    const config = `
ListenAddress 127.0.0.1
Port ${port}
HostKey ${hostKey}
AuthorizedKeysFile ${inside('authorized_keys')}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
Subsystem sftp internal-sftp ${denied.length === 0 ? '' : `-P ${denied.join(',')}`}
`;
    writeFileSync(inside('sshd_config'), config);
    running = await launch(inside('sshd_config'));
  };
  const processes = () => (running === null ? [] : [running.child.pid!, ...descendants(running.child.pid!)]);
  const stop = async () => {
    if (running === null) return;
    const { child } = running;
    const all = processes();
    running = null;
    const ended = new Promise((resolve) => child.on('exit', resolve));
    for (const pid of all) signal(pid, 'SIGKILL');
    await ended;
  };
  const pin: Sshd['pin'] = (...hostKeys) =>
    writeFileSync(
      inside('known_hosts'),
      hostKeys.map((path) => `[127.0.0.1]:${port} ${publicOf(path)}\n`).join(''),
    );

  for (let tries = 1; running === null; tries++)
    await start().catch(async (thrown: unknown) => {
      if (tries === 5) throw thrown;
      port = await freePort();
    });
  pin(hostKeyPath);
  return {
    user,
    port,
    directory,
    keyPath,
    knownHostsPath: inside('known_hosts'),
    at: (path) => `sftp://${user}@127.0.0.1:${port}${path}`,
    dropSessions() {
      for (const pid of processes().slice(1)) signal(pid, 'SIGKILL');
    },
    freeze() {
      for (const pid of processes()) signal(pid, 'SIGSTOP');
    },
    thaw() {
      for (const pid of processes()) signal(pid, 'SIGCONT');
    },
    logins: () => running?.log().match(/^Accepted publickey/gm)?.length ?? 0,
    stop,
    start,
    makeKey,
    pin,
    async close() {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
