import type { Dialect } from '../src/database.ts';
import type { Finding } from './measure.ts';

/** `full` is what the goals are stated for; `small` runs in CI. */
export type Scale = 'full' | 'small';

/** How a bench is run. */
export interface BenchOptions {
  scale: Scale;
  /** Which of the sizes; `--count` replaces the main one of each measure. */
  sizeOf(sizes: Record<Scale, number>): number;
  /** How often each side is measured. */
  times: number;
  seed: number;
  /** A directory of its own, which is kept: data that only depends on seed and size is made once. */
  directory: string;
  /** SQLite always; PostgreSQL where TEST_DATABASE_URL names a server. */
  dialects: readonly Dialect[];
  /** Says on standard error what is being done. */
  say(text: string): void;
}

/** One row of the table, or several. Each runs in a process of its own. */
export interface Bench {
  id: string;
  /** What is measured against what, for `--list`. */
  about: string;
  run(options: BenchOptions): Promise<Finding[]>;
}
