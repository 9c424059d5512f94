import { present } from './expected.ts';
import type { Timing } from './model.ts';

/** A row of `rounds` that no capture has touched. */
export const noTiming: Timing = {
  startUnix: null,
  endUnix: null,
  durationSeconds: null,
  endReason: null,
  pauseSeconds: null,
  pauseCount: null,
};

/** The timing of a round after a capture leaves it: what equals the capture's values is cleared. */
export function withoutTimingOf(own: Timing, leaving: Timing): Timing {
  const startCame = present(own.startUnix) && own.startUnix === leaving.startUnix;
  const endCame = present(own.endUnix) && own.endUnix === leaving.endUnix;
  if (!startCame && !endCame) return own;
  return {
    startUnix: startCame ? null : own.startUnix,
    endUnix: endCame ? null : own.endUnix,
    durationSeconds: own.durationSeconds === leaving.durationSeconds ? null : own.durationSeconds,
    endReason: own.endReason === leaving.endReason ? null : own.endReason,
    // 0 is what the column holds on a row that never had a capture.
    pauseSeconds:
      own.pauseSeconds !== null && own.pauseSeconds === leaving.pauseSeconds ? 0 : own.pauseSeconds,
    pauseCount: own.pauseCount !== null && own.pauseCount === leaving.pauseCount ? 0 : own.pauseCount,
  };
}

function differs(own: Timing, gained: Timing): boolean {
  const startDiffers = present(own.startUnix) && own.startUnix !== gained.startUnix;
  const endDiffers = present(own.endUnix) && own.endUnix !== gained.endUnix;
  return startDiffers || endDiffers;
}

/**
 * The timing of a round after it gains a capture: empty values filled, nothing else touched, and start
 * and end equal to the capture's at the end (DESIGN, Repairs). Timing that is proven foreign is replaced
 * whole, as it came from one capture (DOMAIN, section 2). Null where that end cannot be reached.
 */
export function gainTiming(own: Timing, gained: Timing, proven: { foreign: boolean }): Timing | null {
  if (!present(gained.startUnix) || !present(gained.endUnix)) return null;
  if (differs(own, gained)) {
    if (!proven.foreign) return null;
    return { ...gained, pauseSeconds: gained.pauseSeconds ?? 0, pauseCount: gained.pauseCount ?? 0 };
  }
  const noDuration = !present(own.durationSeconds);
  const emptyPause = (value: number | null) => value === null || (value === 0 && noDuration);
  return {
    startUnix: gained.startUnix,
    endUnix: gained.endUnix,
    durationSeconds: noDuration ? (gained.durationSeconds ?? own.durationSeconds) : own.durationSeconds,
    endReason:
      own.endReason === null || own.endReason === '' ? (gained.endReason ?? own.endReason) : own.endReason,
    pauseSeconds: emptyPause(own.pauseSeconds) ? (gained.pauseSeconds ?? own.pauseSeconds) : own.pauseSeconds,
    pauseCount: emptyPause(own.pauseCount) ? (gained.pauseCount ?? own.pauseCount) : own.pauseCount,
  };
}

/** True where a capture covers a round that does not carry its start and end yet. */
export function lacksTiming(own: Timing): boolean {
  return !present(own.startUnix) || !present(own.endUnix);
}
