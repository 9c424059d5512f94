import { test } from 'node:test';

/** What one suite came to: a thing that was counted, and its figure, as `docs/reliability.md` quotes them. */
export interface Figure {
  what: string;
  value: string;
}

/** What a suite is run with. */
export interface Effort {
  /** How many times each thing is done, by the names of `Suite.counts`. */
  counts: Readonly<Record<string, number>>;
  /** What every random choice follows from: the same seed tries the same things. */
  seed: number;
  /** Shown to a person who waits. */
  progress: (text: string) => void;
}

/** One way of breaking things, again and again. */
export interface Suite {
  /** As it is named on the command line. */
  name: string;
  /** What is broken and what must hold, in one sentence. */
  about: string;
  /** How often each thing is done: `full` for `docs/reliability.md`, `fast` with every change. */
  counts: Readonly<Record<string, { full: number; fast: number }>>;
  /** Why it cannot be run here; null where it can. */
  unavailable?: () => string | null;
  /** Throws, with the seed and the round of it, where something does not hold. */
  run: (effort: Effort) => Promise<Figure[]>;
}

/** The counts of a suite: the full or the fast ones, and of these, those that are asked for otherwise. */
export function countsOf(
  suite: Suite,
  which: 'full' | 'fast',
  asked: Readonly<Record<string, number>> = {},
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(suite.counts).map(([name, counts]) => [name, asked[name] ?? counts[which]]),
  );
}

/** The fast part of a suite as a test. */
export function testFast(suite: Suite, seed = 1): void {
  test(`${suite.name}: ${suite.about}`, { skip: suite.unavailable?.() ?? false }, async (t) => {
    const figures = await suite.run({ counts: countsOf(suite, 'fast'), seed, progress: () => undefined });
    for (const { what, value } of figures) t.diagnostic(`${what}: ${value}`);
  });
}
