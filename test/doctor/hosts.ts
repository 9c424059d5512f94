import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Check, CheckState } from '../../jobs/doctor-check.ts';
import { type Environment, runCommand } from '../failure/scene.ts';

/** What the stand-ins of a host's commands answer: the text of each as a shell script, or null where it is absent. */
export interface HostCommands {
  systemctl?: string | null;
  ps?: string | null;
  readlink?: string | null;
  ssh?: string | null;
}

/** A service that is off, as systemd says it, with the exit codes that it has. */
export const serviceOff =
  'case "$1" in is-enabled) echo disabled; exit 1;; is-active) echo inactive; exit 3;; esac';
export const serviceOn = 'case "$1" in is-enabled) echo enabled;; is-active) echo active;; esac';

/** A list of processes as `ps` prints it, without the first process of the host. */
const psWithoutFirst = (...lines: string[]) =>
  `printf '%s\\n' '    PID    PPID COMMAND' ${lines.map((line) => `'${line}'`).join(' ')}`;

/** A list of processes as `ps` prints it. */
export const psOf = (...lines: string[]) => psWithoutFirst('      1       0 /sbin/init', ...lines);

/** What `ps` lists where /proc shows nobody the processes of others (`hidepid=2`). */
export const psOfOwn = (...lines: string[]) => psWithoutFirst(...lines, '  900       1 node main.js doctor');

export const monitorLine = '  812       1 /bin/bash /home/et/scripts/log_monitor.sh';
export const botLine = '  431       1 /opt/slomix/venv/bin/python3 -m bot.ultimate_bot';

/** What a game server's side of ssh answers: the stand-ins run the command that was sent. */
export function sshTo(directory: string, commands: HostCommands): string {
  const there = commandsIn(join(directory, 'game-server'), commands);
  return `echo "$@" >> '${join(directory, 'ssh.calls')}'; shift 6; PATH='${there}' exec /bin/sh -c "$1"`;
}

/** Writes the stand-ins; a directory to put before everything else on the PATH. */
export function commandsIn(directory: string, commands: HostCommands): string {
  mkdirSync(directory, { recursive: true });
  for (const [name, script] of Object.entries(commands)) {
    const path = join(directory, name);
    rmSync(path, { force: true });
    if (script === null || script === undefined) continue;
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }
  return directory;
}

/** A healthy host; what is given stands in for its commands. Only what stands in is on the PATH. */
export function hostWith(directory: string, commands: HostCommands = {}): Environment {
  const all = { systemctl: serviceOff, ps: psOf(monitorLine, botLine), ...commands };
  return { PATH: commandsIn(join(directory, 'bin'), all) };
}

/** What the doctor said. */
export interface Examined {
  code: number | null;
  checks: Check[];
  counts: Record<CheckState, number>;
  /** All that was printed. */
  said: string;
}

type Place = { directory: string; environment: Environment };

/** Runs `doctor --json`. */
export async function doctor(scene: Place, ...args: string[]): Promise<Examined> {
  const { code, stdout, stderr } = await runCommand(scene, ['doctor', '--json', ...args]);
  if (stdout === '') throw new Error(stderr);
  const document = JSON.parse(stdout) as Pick<Examined, 'checks' | 'counts'> & { exitCode: number };
  if (document.exitCode !== code)
    throw new Error(`exit code ${code}, the document says ${document.exitCode}`);
  const { checks, counts } = document;
  return { code, checks, counts, said: stdout + stderr };
}

/** Runs `doctor` as people do; what it printed. */
export async function doctorForPeople(scene: Place, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await runCommand(scene, ['doctor', ...args]);
  return stdout + stderr;
}

/** The names of the checks in one of some states, sorted. */
export function namesOf({ checks }: Pick<Examined, 'checks'>, ...states: CheckState[]): string[] {
  return checks
    .filter(({ state }) => states.includes(state))
    .map(({ name }) => name)
    .sort();
}

export function checkOf({ checks }: Pick<Examined, 'checks'>, name: string): Check {
  const found = checks.filter((check) => check.name === name);
  if (found.length !== 1) throw new Error(`${found.length} checks are called ${name}`);
  return found[0]!;
}

/** Real processes, each in a session of its own, and a `ps` that lists them and nothing else of the host. */
export interface Processes {
  ps: string;
  pids: number[];
}

/** The system's `ps`; null where this host has none. */
export const realPs = ((): string | null => {
  try {
    return execFileSync('/bin/sh', ['-c', 'command -v ps'], { encoding: 'utf8' }).trim();
  } catch {
    return null;
  }
})();

const forEver = 'while :; do sleep 1; done';

/** Starts log monitors (each with the subshells of a pipeline) and bots, and ends them whatever `work` does. */
export async function withProcesses<T>(
  counts: { logMonitors: number; bots: number },
  work: (processes: Processes) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-processes-'));
  mkdirSync(join(directory, 'bot'));
  writeFileSync(join(directory, 'log_monitor.sh'), `${forEver} | while read line; do :; done\n`);
  writeFileSync(join(directory, 'bot', 'ultimate_bot.py'), `${forEver}\n`);
  const options = { cwd: directory, detached: true, stdio: 'ignore' } as const;
  const started: ChildProcess[] = [];
  try {
    for (let at = 0; at < counts.logMonitors; at++)
      started.push(spawn('/bin/sh', [join(directory, 'log_monitor.sh')], options));
    for (let at = 0; at < counts.bots; at++)
      started.push(spawn('/bin/sh', ['bot/ultimate_bot.py'], { ...options, argv0: 'python3' }));
    const pids = started.map(({ pid }) => pid!);
    return await work({ ps: `exec ${realPs} -s ${pids.join(',')} -o pid,ppid,args`, pids });
  } finally {
    for (const { pid } of started) process.kill(-pid!, 'SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}
