import { createRequire } from 'node:module';
import type { SingleBar } from 'cli-progress';

/** Tells people how far long work has come. */
export interface Progress {
  step(what: string, done: number, total: number): void;
  stop(): void;
}

/** Loaded where somebody waits in front of a terminal alone: a run under cron is short. */
const bars = (): typeof import('cli-progress') => createRequire(import.meta.url)('cli-progress');

const patienceMs = 1_000;

/** Says nothing: for `--json`, pipes and cron. */
export const noProgress: Progress = { step: () => undefined, stop: () => undefined };

/** A bar on standard error that appears once the work has taken longer than a second. */
export function terminalProgress(): Progress {
  if (!process.stderr.isTTY) return noProgress;
  const began = Date.now();
  let bar: SingleBar | null = null;
  return {
    step(what, done, total) {
      if (bar === null && Date.now() - began < patienceMs) return;
      if (bar === null) {
        const { Presets, SingleBar } = bars();
        bar = new SingleBar(
          {
            format: '{what} {bar} {value}/{total}',
            stream: process.stderr,
            clearOnComplete: true,
            hideCursor: true,
          },
          Presets.shades_grey,
        );
        bar.start(total, done, { what });
      }
      bar.setTotal(total);
      bar.update(done, { what });
    },
    stop() {
      bar?.stop();
      bar = null;
    },
  };
}
