import '../../../jobs/utc.ts';
import { audit } from '../../../jobs/audit.ts';
import { exitCodeOf } from '../../../jobs/audit-result.ts';
import { noProgress } from '../../../jobs/progress.ts';
import { parseConfig } from '../../../src/config.ts';
import { exitCodeOfFailure, failureText } from '../../../src/errors.ts';
import { openLog } from '../../../src/log.ts';

/**
 * An audit of everything, as the command line runs it, which says `ready` when it reaches a moment for the nth time,
 * and waits for a line.
 */
const [moment, nth] = process.argv.slice(2) as [string, string];
let times = 0;

async function reached(now: string): Promise<void> {
  if (now !== moment || ++times !== Number(nth)) return;
  process.stdout.write('ready\n');
  await new Promise((resolve) => process.stdin.once('data', resolve));
  process.stdin.destroy();
}

try {
  const config = parseConfig(process.env);
  const log = openLog(config.logLevel);
  const scope = { kind: 'all' } as const;
  const result = await audit({ config, log, scope, nowMs: Date.now(), progress: noProgress, reached });
  process.exitCode = exitCodeOf(result);
} catch (thrown) {
  process.exitCode = exitCodeOfFailure(thrown);
  process.stderr.write(`roundwarden: ${failureText(thrown)}\n`);
}
