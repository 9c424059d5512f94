import { setImmediate } from 'node:timers/promises';
import { StoppedError } from '../src/errors.ts';
import type { Log } from '../src/log.ts';

/** What the end of a process is asked for by. */
export interface Stopping {
  /** Aborted at the first signal; its reason says so in words. */
  signal: AbortSignal;
  /** No signal is listened to any more. */
  done(): void;
}

const signals = ['SIGTERM', 'SIGINT'] as const;

/** A supervisor waits 10 s before it kills. */
const graceMs = 9_000;

/** Ends the process within that grace, whatever it may still wait for then. */
export const endWithinGrace = () => void setTimeout(() => process.exit(), graceMs).unref();

/**
 * What nobody caught ends the process with 1, and one line of the log says why: a defect, an engine that gives up, a job
 * that hangs. Rejections that nobody handles come here too.
 */
export function endOnUncaught(log: Log): void {
  process.on('uncaughtException', (thrown) => {
    log.fatal({ err: thrown }, 'cannot go on: this process ends, for its supervisor to start it again');
    process.exit(1);
  });
}

/**
 * Turns the first SIGTERM or SIGINT into an orderly stop: work ends after the batch of repairs in hand. A second signal ends the
 * process at once; so does the end of 9 s, with exit code 1. Both are safe at any moment: the next run goes on from
 * what the ledger says.
 */
export function stopOnSignals(options: { log: Log; graceMs?: number }): Stopping {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    done();
    options.log.info(
      { signal: name },
      'asked to end: stopping after what is in hand; a second signal ends at once',
    );
    const late = setTimeout(() => {
      options.log.error('what is in hand takes too long: ending without it; the next run goes on from here');
      process.exit(1);
    }, options.graceMs ?? graceMs);
    late.unref();
    controller.abort(
      new StoppedError(
        `stopped by ${name} before the end; what was done stands, and the next run goes on from here`,
      ),
    );
  };
  const done = () => {
    for (const name of signals) process.off(name, stop);
  };
  for (const name of signals) process.on(name, stop);
  return { signal: controller.signal, done };
}

/**
 * A place between two steps where work may be stopped: throws what the signal says. SQLite answers without ever waiting
 * for anything, so that a signal would only come through when all is done: here it does.
 */
export async function mayStop(signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return;
  await setImmediate();
  signal.throwIfAborted();
}
