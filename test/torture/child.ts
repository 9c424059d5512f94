import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';

/** What a child says of itself. */
export type Saying<T> = { at: string } | { done: T } | { failed: string };

const loader = import.meta.resolve('tsx');
const mostKept = 4_000;

/**
 * Runs a program of this folder in a process of its own, which is told `asked`, says what it is at, and answers once.
 * One that says nothing for `silentMs` hangs: it is killed, and this throws with the last thing that it said.
 */
export async function inChild<T>(
  program: string,
  asked: unknown,
  of: { silentMs: number; execArgv?: readonly string[]; progress: (text: string) => void },
): Promise<T> {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const child = fork(path, [JSON.stringify(asked)], {
    execArgv: ['--import', loader, ...(of.execArgv ?? [])],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let [errors, last, hangs] = ['', 'its beginning', false];
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-mostKept);
  });
  const watch = setTimeout(() => {
    hangs = true;
    child.kill('SIGKILL');
  }, of.silentMs);
  try {
    return await new Promise<T>((resolve, reject) => {
      child.on('message', (said: Saying<T>) => {
        watch.refresh();
        if ('done' in said) resolve(said.done);
        else if ('failed' in said) reject(new Error(said.failed));
        else {
          last = said.at;
          of.progress(said.at);
        }
      });
      child.on('error', reject);
      child.on('close', (code, signal) => {
        const how = hangs ? `said nothing for ${of.silentMs / 1000} s` : `ended with ${signal ?? code}`;
        reject(new Error(`the child ${how}, at ${last}: ${errors}`));
      });
    });
  } finally {
    clearTimeout(watch);
    child.kill('SIGKILL');
  }
}

/** What a program that `inChild` runs does: its work, with what it was told; and its answer. */
export async function asChild<A, T>(
  work: (asked: A, say: (at: string) => void) => Promise<T>,
): Promise<void> {
  const tell = (said: Saying<T>) =>
    new Promise<void>((resolve) => {
      process.send!(said, () => resolve());
    });
  try {
    await tell({ done: await work(JSON.parse(process.argv[2]!) as A, (at) => void tell({ at })) });
  } catch (thrown) {
    // With its causes, which may quote whole statements.
    await tell({ failed: inspect(thrown).slice(0, mostKept) });
  }
  process.exit();
}
