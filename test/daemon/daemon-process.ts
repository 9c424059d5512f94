import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Environment, Scene } from '../failure/scene.ts';

/** One line of the daemon's log. */
export type LogLine = { level: number; msg: string } & Record<string, unknown>;

/** A command that runs until it is told to end, watched by its log. */
export interface Watched {
  pid: number;
  log: LogLine[];
  /** Resolves with the first line of the log from now on, or so far, that is meant; rejects if the process ends before. */
  logs(isMeant: (line: LogLine) => boolean): Promise<LogLine>;
  send(signal: NodeJS.Signals): void;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>;
}

const main = fileURLToPath(new URL('../../jobs/main.ts', import.meta.url));
const loader = import.meta.resolve('tsx');

/** The lines of a log that are JSON; a daemon writes no others. */
function linesOf(text: string): LogLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []));
}

/** Starts `roundwarden ...` in a scene; `environment` adds to the scene's. */
export function watchCommand(
  scene: Pick<Scene, 'directory' | 'environment'>,
  args: readonly string[],
  environment: Environment = {},
): Watched {
  const base = { PATH: process.env.PATH ?? '', TZ: process.env.TZ ?? '', ...scene.environment };
  const env = { ...base, LOG_LEVEL: 'info', ...environment };
  const child: ChildProcess = spawn(process.execPath, ['--import', loader, main, ...args], {
    cwd: scene.directory,
    env,
  });
  const output = { stdout: '', stderr: '' };
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
    log.splice(0, log.length, ...linesOf(output.stderr));
    for (const look of waiting) look();
  });
  const ended = new Promise<Awaited<Watched['ended']>>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  return {
    pid: child.pid!,
    log,
    logs: (isMeant) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = log.find(isMeant);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        ended.then((end) => reject(new Error(`it ended before: ${JSON.stringify(end)}`)), reject);
      }),
    send: (signal) => void child.kill(signal),
    ended,
  };
}

/** Lets `work` watch a command, and ends it whatever happens. */
export async function withCommand<T>(
  scene: Pick<Scene, 'directory' | 'environment'>,
  of: { args: readonly string[]; environment?: Environment },
  work: (watched: Watched) => Promise<T>,
): Promise<T> {
  const watched = watchCommand(scene, of.args, of.environment);
  try {
    return await work(watched);
  } finally {
    watched.send('SIGKILL');
    await watched.ended;
  }
}
