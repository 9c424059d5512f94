import { setTimeout as sleep } from 'node:timers/promises';
import { audit } from '../../jobs/audit.ts';
import { noProgress } from '../../jobs/progress.ts';
import { revert } from '../../jobs/revert.ts';
import { type LeaseOptions, runJob } from '../../jobs/run.ts';
import { parseConfig } from '../../src/config.ts';
import { isLockTimeout } from '../../src/database.ts';
import { LeaseHeldError, messageOf, OperationError } from '../../src/errors.ts';
import { append } from '../../src/ledger/append.ts';
import { openLog } from '../../src/log.ts';

/** A run with a short lease that somebody else may take over, as `takeover.test.ts` asks for it. */
const [task, argument, nowMs, termMs] = process.argv.slice(2) as [string, string, string, string];
const config = parseConfig(process.env);
const lease: LeaseOptions = { termMs: Number(termMs) };

/**
 * Says `ready` at its moment and stops itself: so it stands still between two statements, and not within one that keeps
 * the file of an SQLite ledger locked. When it is continued it waits for a line.
 */
function waitAt(moment: string): (now: string) => Promise<void> {
  let waited = false;
  return async (now) => {
    if (now !== moment || waited) return;
    waited = true;
    process.stdout.write('ready\n');
    process.kill(process.pid, 'SIGSTOP');
    await new Promise((resolve) => process.stdin.once('data', resolve));
    process.stdin.destroy();
  };
}

const asked = { config, nowMs: Number(nowMs), lease };

/** Takes the lease until it has been taken so often in all; a mortal one dies in the middle of its second time. */
async function fight(name: string, turns: number): Promise<void> {
  const holder = { termMs: Number(termMs), process: { host: name, pid: process.pid } };
  for (let times = 0, highest = 0; highest < turns; await sleep(5 + Math.random() * 20))
    try {
      await runJob(config, { command: 'fight', lease: holder }, async ({ ledger, id, at }) => {
        times++;
        highest = ledger.fence!.number;
        for (const step of [1, 2, 3]) {
          const body = { run: id, host: name, fence: highest, step };
          await append(ledger, [{ kind: 'note', source: 'fight', key: '', body }], at);
          if (name.startsWith('mortal') && times === 2 && step === 2) process.kill(process.pid, 'SIGKILL');
          await sleep(Math.random() * 10);
        }
        return { exitCode: 0, summary: null, result: null };
      });
    } catch (thrown) {
      // Held by another, taken over by another, or kept waiting by one that stands still in the middle of a write.
      if (thrown instanceof LeaseHeldError || thrown instanceof OperationError || isLockTimeout(thrown))
        continue;
      throw thrown;
    }
}

const tasks: Record<string, () => Promise<unknown>> = {
  audit: () =>
    audit({
      ...asked,
      log: openLog('silent'),
      scope: { kind: 'all' },
      progress: noProgress,
      reached: waitAt(argument),
    }),
  revert: () =>
    revert({
      ...asked,
      seq: Number(argument),
      force: false,
      by: 'ann',
      reason: 'a test',
      reached: waitAt('written'),
    }),
  fight: () => fight(argument, Number(nowMs)),
};

try {
  await tasks[task]!();
} catch (thrown) {
  process.stderr.write(`${messageOf(thrown)}\n`);
  process.exitCode = 1;
}
