/** A wrong token: where it came from, and when (unix milliseconds). */
export interface Failure {
  address: string;
  atMs: number;
}

const windowMs = 60_000;
/** Failures in a minute that one address, and all together, may make. */
export const mostFailures = { perAddress: 5, overall: 30 };

/** Those that still count. A clock that was set back by more than the window forgets them, too. */
const recent = (failures: readonly Failure[], nowMs: number) =>
  failures.filter(({ atMs }) => Math.abs(nowMs - atMs) < windowMs);

/** Whole seconds until this address may try again, whatever it tries with; 0 where it may now. */
export function secondsToWait(failures: readonly Failure[], address: string, nowMs: number): number {
  const all = recent(failures, nowMs);
  const own = all.filter((failure) => failure.address === address);
  const freeAtMs = (some: readonly Failure[], most: number) => (some.at(-most)?.atMs ?? -Infinity) + windowMs;
  const waitMs =
    Math.max(freeAtMs(own, mostFailures.perAddress), freeAtMs(all, mostFailures.overall)) - nowMs;
  return Math.max(0, Math.ceil(waitMs / 1_000));
}

/**
 * The failures with one more. As nobody fails who has to wait, there are never more than `mostFailures.overall`.
 */
export function withFailure(failures: readonly Failure[], failure: Failure): readonly Failure[] {
  return [...recent(failures, failure.atMs), failure];
}
