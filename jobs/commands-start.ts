import type { Command } from 'commander';
import { chosenServers, command, endsForAll, settings, shared } from './command-line.ts';

const about = `
What is due is asked of the ledger, not of the clock: an audit where none has finished since AUDIT_CRON last expected
one (UTC), one of the whole history on each day of the server, yesterday's report from REPORT_AT on (server time), and
alerts and mails whose time has come. So it may start late, sleep, or run on several hosts that share a ledger: one
works, the others look again at the next minute.

SIGTERM or SIGINT: it finishes the repairs in hand and ends within 10 s, with 0. A second one ends it at once, which is
safe too. A defect, or a metronome that stands still, ends it with 1, for its supervisor (pm2, systemd) to start it
again. A database that is away does not end it.

HEARTBEAT_URL is told of each audit, here and under cron: a POST to URL/start, then to URL (exit codes 0 and 3: what is
open is told by alerts) or URL/fail (exit code 1, and where the ledger cannot be asked). Nothing is sent by an audit of
a part, by one that finds another at work (4), or after one that was asked to end.`;

/** start. */
export function addStartCommands(program: Command): void {
  command(
    program,
    'start',
    'the daemon: audits, reports and alerts when they are due, until SIGINT or SIGTERM',
  )
    .addHelpText('after', about)
    .action(
      endsForAll(async (options: { json?: boolean; server?: string }) => {
        const { json } = shared(options);
        const servers = await chosenServers(options.server);
        const configs = servers?.map(({ config }) => config) ?? [settings()];
        const { assertSourceSet } = await import('./source-settings.ts');
        for (const config of configs) assertSourceSet(config);
        const { openLog } = await import('../src/log.ts');
        const log = openLog(configs[0]!.logLevel);
        const { endOnUncaught, stopOnSignals } = await import('./stopping.ts');
        endOnUncaught(log);
        const { signal, done } = stopOnSignals({ log });
        const { daemonPlan, runDaemon } = await import('./daemon.ts');
        const plans = configs.map((config) => daemonPlan(config, Date.now()));
        for (const plan of plans) log.info(plan, 'started');
        if (json) (await import('./print.ts')).sayJson(servers === null ? plans[0] : { servers: plans });
        await runDaemon(configs, { log, signal });
        done();
        log.info('ended');
        return 0;
      }),
    );
}
