import type { Command } from 'commander';
import { chosenServers, commandOfAll, endsForAll, settings, shared } from './command-line.ts';

const about = `
Any number of workers, on any hosts, take turns at the servers that SERVERS lists: audits, reports and deliveries, each
server's one after the other. The queue is a schema of PostgreSQL (graphile-worker) in FLEET_DATABASE_URL, by default in
the database of the ledger; the ledgers are on PostgreSQL too. A worker that dies is noticed within a minute; whoever
takes over waits until its lease has ended.

SIGTERM or SIGINT: it finishes the repairs in hand, gives its job back, and ends within 10 s, with 0.`;

/** worker. */
export function addWorkerCommands(program: Command): void {
  commandOfAll(program, 'worker', 'one of a fleet: takes jobs of all servers, until SIGINT or SIGTERM')
    .addHelpText('after', about)
    .action(
      endsForAll(async (options: { json?: boolean }) => {
        const { json } = shared(options);
        const servers = (await chosenServers(undefined)) ?? [onlyServer()];
        const { openLog } = await import('../src/log.ts');
        const log = openLog(servers[0]!.config.logLevel);
        const { endOnUncaught, endWithinGrace, stopOnSignals } = await import('./stopping.ts');
        endOnUncaught(log);
        const { newWorkerId, runWorker, workerPlan } = await import('./worker.ts');
        const worker = newWorkerId();
        const plan = workerPlan(servers, worker);
        const { signal, done } = stopOnSignals({ log });
        log.info(plan, 'started');
        if (json) (await import('./print.ts')).sayJson(plan);
        try {
          await runWorker(servers, worker, { log, signal });
        } finally {
          // What the engine may still wait for does not keep the process.
          endWithinGrace();
        }
        done();
        log.info('ended');
        return 0;
      }),
    );
}

/** Without SERVERS the fleet serves the one installation that there is. */
function onlyServer() {
  const config = settings();
  return { name: config.sourceName, environment: {}, config };
}
