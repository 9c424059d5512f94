import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/** A number that a measure has to reach; exactly one of `atMost` and `atLeast` stands. */
export interface Goal {
  /** What the number is, in a few words. */
  of: string;
  is: number;
  unit: 'times' | 'ms' | 'MB' | 'per second';
  atMost?: number;
  atLeast?: number;
  /** What the limit comes to by the same measure, where that says what a machine has in it. */
  limitIs?: number;
  /** The ratio that is asked besides: where it leads the limit to less than this goal, the machine has no room for it. */
  besides?: number;
}

/** One measure of the product, with the limit that it was held against in the same run. */
export interface Finding {
  measure: string;
  /** What it was measured on. */
  size: string;
  /** What the product is held against. */
  limit: string;
  /** Medians, in milliseconds. */
  productMs: number;
  limitMs: number;
  goals: Goal[];
}

/** Milliseconds of each time, in the order in which they were taken. */
export interface Samples {
  product: number[];
  limit: number[];
}

/** The middle of some numbers; of an even count the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => unknown): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

/** What is measured: both do the same work. `prepare` is not measured, and comes before each time of either. */
export interface Pair {
  product: () => unknown;
  limit: () => unknown;
  prepare?: () => unknown;
}

/**
 * Measures product and limit by turns, so that what else the machine does weighs on both: `times` times each, which of
 * them is first changing each time. What earlier turns left in memory weighs on none: it is collected before each, where
 * this process was started so that it can be.
 */
export async function byTurns(times: number, pair: Pair): Promise<Samples> {
  const samples: Samples = { product: [], limit: [] };
  for (let turn = 0; turn < times; turn++) {
    const order = turn % 2 === 0 ? (['limit', 'product'] as const) : (['product', 'limit'] as const);
    for (const which of order) {
      await pair.prepare?.();
      globalThis.gc?.();
      samples[which].push(await timed(pair[which]));
    }
  }
  return samples;
}

/** The finding of samples taken by turns, with the goal that the ratio of the medians must not exceed. */
export function ratioFinding(
  about: Pick<Finding, 'measure' | 'size' | 'limit'>,
  of: { samples: Samples; atMost: number; goals?: readonly Goal[] },
): Finding {
  const productMs = median(of.samples.product);
  const limitMs = median(of.samples.limit);
  const ratio: Goal = { of: 'ratio', is: productMs / limitMs, unit: 'times', atMost: of.atMost };
  return { ...about, productMs, limitMs, goals: [ratio, ...(of.goals ?? [])] };
}

/** The most memory that a process has held so far, in megabytes (Linux: VmHWM); null where it cannot be told. */
export function peakMegabytes(pid: number | 'self' = 'self'): number | null {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) / 1024;
  } catch {
    return null;
  }
}

/**
 * Whether a machine has room for a goal in milliseconds or per second: its limit would reach it even at the ratio that is
 * asked besides. Elsewhere the ratio alone decides (decision 27).
 */
export function hasRoom({ atMost, atLeast, limitIs, besides }: Goal): boolean {
  if (limitIs === undefined || besides === undefined) return true;
  return atLeast === undefined ? limitIs * besides <= atMost! : limitIs >= atLeast * besides;
}

/** Whether the number is what its goal asks for. */
export function reaches({ is, atMost, atLeast }: Goal): boolean {
  return (atMost === undefined || is <= atMost) && (atLeast === undefined || is >= atLeast);
}

/**
 * How far a goal may be missed: by nothing where the machine has room for it, or in the small version of CI twice for what
 * is a ratio; what depends on the machine alone is only shown there.
 */
export function isMet(goal: Goal, strict: boolean): boolean {
  if (reaches(goal) || !hasRoom(goal)) return true;
  const { is, unit, atMost } = goal;
  return !strict && (unit !== 'times' || atMost === undefined || is <= 2 * atMost);
}
