import { writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { endOnUncaught, stopOnSignals } from '../../jobs/stopping.ts';
import { newWorkerId, runWorker } from '../../jobs/worker.ts';
import { openLog } from '../../src/log.ts';
import { readServers } from '../../src/servers.ts';

/**
 * A worker of the fleet with short terms. Of all that share `directory`, the first that is in the middle of a repair of
 * server `killed` kills itself, and the first that has begun one of server `frozen` stands still until it is continued.
 */
const [directory, killed, frozen] = process.argv.slice(2) as [string, string, string];

/** True for the first process that asks. */
function isFirst(what: string): boolean {
  try {
    writeFileSync(join(directory, what), String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

const reached = (server: string) => (moment: string) => {
  if (server === killed && moment === 'written' && isFirst('killed')) process.kill(process.pid, 'SIGKILL');
  if (server === frozen && moment === 'started' && isFirst('frozen')) {
    writeSync(1, 'frozen\n');
    process.kill(process.pid, 'SIGSTOP');
  }
};

const log = openLog('info');
endOnUncaught(log);
const { signal, done } = stopOnSignals({ log });
await runWorker(readServers(process.env)!, newWorkerId(), {
  log,
  signal,
  reached,
  termMs: 4_000,
  retryMs: 500,
  lease: { termMs: 4_000 },
  silenceMs: 20_000,
});
done();
process.stdout.write('ended\n');
