import type { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, type Runner, type RunnerOptions, run, runMigrations } from 'graphile-worker';
import type pg from 'pg';
import { messageOf } from '../src/errors.ts';
import type { Log } from '../src/log.ts';

/** The engine's log as ours. What a job came to is ours to say. */
export function engineLogger(log: Log): Logger {
  return new Logger(() => (level, message, meta) => {
    if (level === 'error' && meta?.failure !== true) log.error({ engine: true }, message);
    else if (level === 'warning') log.warn({ engine: true }, message);
    else log.debug({ engine: true }, message);
  });
}

/** Any number that nobody else uses: "RWG". */
const makingKey = 0x525747;

/**
 * Makes the engine's schema, or brings it to this engine's version; one worker at a time: it was not made for two that
 * make it at once, of which one would fail. Waits a minute for its turn.
 */
export async function makeQueue(of: { pgPool: pg.Pool; logger: Logger }): Promise<void> {
  const turn = await of.pgPool.connect();
  try {
    await turn.query(`begin; set local lock_timeout = '60s'; select pg_advisory_xact_lock(${makingKey})`);
    await runMigrations(of);
    await turn.query('commit');
    turn.release();
  } catch (thrown) {
    // The end of the connection is the end of the turn.
    turn.release(true);
    throw thrown;
  }
}

/** What the engine has of a worker. */
export type Engine = RunnerOptions & { workerId: string; events: EventEmitter };

/** The engine waits for a connection that may be gone without a word; its end is not waited for longer. */
const stopMs = 10_000;

/** Waits for what ends, and no longer than a supervisor would. */
export const withinStopMs = async (work: Promise<unknown>): Promise<void> => {
  await Promise.race([work.catch(() => undefined), sleep(stopMs, undefined, { ref: false })]);
};

/**
 * Runs the engine, which `begin` is given once it runs, until the worker is asked to end, or until the engine takes no
 * more jobs: it stops doing so, and lives on, where it could not say what a job came to.
 */
export async function runEngine(
  engine: Engine,
  of: { log: Log; signal: AbortSignal; begin: (runner: Runner) => Promise<void> },
): Promise<void> {
  const { log, signal, begin } = of;
  const runner = await run(engine);
  const stop = () => void runner.stop().catch(() => undefined);
  const lost = new Promise<void>((tell) => {
    engine.events.once('worker:fatalError', ({ error }: { error: unknown }) => {
      log.warn(
        { why: messageOf(error) },
        'could not say what a job came to: starts over, and it is done again',
      );
      setImmediate(tell);
    });
  });
  try {
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    await begin(runner);
    await Promise.race([runner.promise, lost]);
  } finally {
    signal.removeEventListener('abort', stop);
    engine.events.removeAllListeners('worker:fatalError');
    // Already so where it has ended.
    await withinStopMs(runner.stop());
  }
}

/** Where nobody says otherwise, an engine that looks for no job for so long stands still. */
export const longestSilenceMs = 120_000;

/** Whether the engine is doing a job; and an end of the process where it neither does one nor looks for one. */
export interface Watched {
  isAtWork(): boolean;
  /** It does no job, whatever it was doing. */
  rest(): void;
  close(): void;
}

/**
 * Watches the engine, and ends the process for its supervisor to start a new one where it stands still: a connection may
 * be gone without a word, and an answer that it did not get at its beginning it never asks for again.
 */
export function watchEngine(events: EventEmitter, silenceMs: number): Watched {
  let isAtWork = false;
  let lookedMs = performance.now();
  let failure: unknown = null;
  const looked = (atWork: boolean) => () => {
    isAtWork = atWork;
    lookedMs = performance.now();
  };
  events.on('job:start', looked(true));
  for (const idle of ['worker:getJob:empty', 'job:complete']) events.on(idle, looked(false));
  // A server that does not answer for an hour is asked again and again; the same failure twice is one that was kept.
  events.on('worker:getJob:error', ({ error }: { error: unknown }) => {
    if (error !== failure) looked(false)();
    failure = error;
  });
  const timer = setInterval(() => {
    if (!isAtWork && performance.now() - lookedMs > silenceMs)
      throw new Error(`the engine has not looked for a job for ${silenceMs / 1000} s`);
  }, silenceMs / 8);
  return { isAtWork: () => isAtWork, rest: looked(false), close: () => clearInterval(timer) };
}
