import { audit } from '../../jobs/audit.ts';
import { noProgress } from '../../jobs/progress.ts';
import { parseConfig } from '../../src/config.ts';
import { openLog } from '../../src/log.ts';

/**
 * An audit of everything that, when it reaches a moment for the nth time, kills itself, or says `ready` and
 * waits for a line. What it comes to is printed. With a size it repairs in batches of that, and writes the ledger meanwhile.
 */
const [what, moment, nth, nowMs, size] = process.argv.slice(2) as [string, string, string, string, string?];
let times = 0;

async function reached(now: string): Promise<void> {
  if (now !== moment || ++times !== Number(nth)) return;
  if (what === 'kill') {
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => undefined);
  }
  process.stdout.write('ready\n');
  await new Promise((resolve) => process.stdin.once('data', resolve));
  process.stdin.destroy();
}

const result = await audit({
  config: parseConfig(process.env),
  log: openLog('silent'),
  scope: { kind: 'all' },
  nowMs: Number(nowMs),
  progress: noProgress,
  reached,
  ...(size === undefined ? {} : { batchSize: Number(size), ahead: { from: 0 } }),
});
process.stdout.write(`${JSON.stringify(result)}\n`);
