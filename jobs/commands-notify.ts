import type { Command } from 'commander';
import { command, endsForEach, settings, shared } from './command-line.ts';

interface NotifyOptions {
  json?: boolean;
  retryDead?: boolean;
  test?: boolean;
}

/** notify. */
export function addNotifyCommands(program: Command): void {
  command(program, 'notify', 'delivers the alerts that are queued; an audit does so too')
    .option('--retry-dead', 'also what was given up')
    .option('--test', 'send one test message through every channel, now or never')
    .action(
      endsForEach(async (options: NotifyOptions) => {
        const { json, nowMs } = shared(options);
        const { notify, notifyExitCode, printNotified } = await import('./notify.ts');
        const { retryDead = false, test = false } = options;
        const result = await notify({ config: settings(), nowMs, retryDead, test });
        const { sayJson } = await import('./print.ts');
        if (json) sayJson(result);
        else printNotified(result);
        return notifyExitCode(result);
      }),
    );
}
