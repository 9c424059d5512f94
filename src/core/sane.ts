import type { Artifact, ArtifactContent, Capture, Timing } from './model.ts';
import { safeMap } from './names.ts';

/** 2020-01-01T00:00:00Z: no capture is older (DESIGN, Matching 9). */
export const earliestUnix = 1_577_836_800;
const futureSeconds = 60;
const longestPlaySeconds = 7_200;
/** From start to end, pauses included. */
export const longestRoundSeconds = 14_400;
/** So much may a duration differ from what start, end and pauses say, without a remark. */
export const durationToleranceSeconds = 2;
const longestWarmupSeconds = 7_200;
const restartSeconds = 60;
const stillWritingSeconds = 120;
const fetchedWithinSeconds = 86_400;

/** True where a start and an end can be those of one round. */
export function isPlausibleSpan(startUnix: number | null, endUnix: number): boolean {
  if (startUnix === null || startUnix <= earliestUnix) return false;
  return startUnix <= endUnix && endUnix - startUnix <= longestRoundSeconds;
}

function timingFaults(timing: Timing, warmupSeconds: number | null, nowUnix: number): string[] {
  const { startUnix, endUnix, durationSeconds, pauseSeconds } = timing;
  if (startUnix === null || endUnix === null) return ['has no start or no end'];
  const faults: string[] = [];
  if (startUnix <= earliestUnix) faults.push(`its start ${startUnix} is before 2020`);
  if (startUnix > endUnix) faults.push(`its start ${startUnix} is after its end ${endUnix}`);
  if (endUnix > nowUnix + futureSeconds) faults.push(`its end ${endUnix} lies in the future`);
  if (endUnix - startUnix > longestRoundSeconds) faults.push(`it spans ${endUnix - startUnix} s`);
  if (durationSeconds !== null && (durationSeconds < 1 || durationSeconds > longestPlaySeconds))
    faults.push(`its duration is ${durationSeconds} s`);
  if (warmupSeconds !== null && (warmupSeconds < 0 || warmupSeconds > longestWarmupSeconds))
    faults.push(`its warm-up is ${warmupSeconds} s`);
  if (pauseSeconds !== null && (pauseSeconds < 0 || pauseSeconds > Math.max(0, endUnix - startUnix)))
    faults.push(`its pauses are ${pauseSeconds} s`);
  return faults;
}

/** Why a capture's values cannot be those of a played round; empty when it is sane (DESIGN, Matching 9). */
export function captureFaults(capture: Capture, nowUnix: number): string[] {
  return timingFaults(capture.timing, capture.warmupSeconds, nowUnix);
}

function contentFaults(artifact: Artifact, content: ArtifactContent, nowUnix: number): string[] {
  const faults = timingFaults(content.timing, content.warmupSeconds, nowUnix);
  if (safeMap(content.map) !== artifact.safeMap)
    faults.push(`its name says map ${artifact.safeMap}, not ${content.map}`);
  if (content.number !== artifact.number)
    faults.push(`its name says R${artifact.number}, not R${content.number}`);
  if (content.timing.endUnix !== artifact.endUnix)
    faults.push(`its name says end ${artifact.endUnix}, not ${content.timing.endUnix}`);
  if (content.timing.durationSeconds < restartSeconds && content.winnerTeam === 0)
    faults.push(`${content.timing.durationSeconds} s without a winner is a restart, not a round`);
  return faults;
}

/** What may be done with an artifact. Only a usable one is ever written. */
export type ArtifactState =
  | { state: 'usable'; content: ArtifactContent }
  | { state: 'damaged'; why: string }
  | { state: 'unreadable'; why: string };

/**
 * True for a file that somebody may still be writing: touched within two minutes, of a round that ended
 * within a day (DOMAIN, section 3). An older round's file is not being written, however young its copy is.
 */
function mayBeInTheMaking(artifact: Artifact, nowUnix: number): boolean {
  const touched = Math.abs(nowUnix - artifact.modifiedUnix) < stillWritingSeconds;
  return touched && nowUnix - artifact.endUnix < fetchedWithinSeconds;
}

/**
 * Whole and sane, or why not (DESIGN, Matching 9 and 10). A file that is not whole and still being written
 * is unreadable, not damaged.
 */
export function judgeArtifact(artifact: Artifact, nowUnix: number): ArtifactState {
  if (artifact.unreadable !== null) return { state: 'unreadable', why: artifact.unreadable };
  if (!artifact.finished || artifact.content === null) {
    if (mayBeInTheMaking(artifact, nowUnix)) return { state: 'unreadable', why: 'it is still being written' };
    const why = artifact.finished ? artifact.damage : 'its name is unfinished';
    return { state: 'damaged', why: why ?? 'it is not whole' };
  }
  const faults = contentFaults(artifact, artifact.content, nowUnix);
  if (faults.length > 0) return { state: 'damaged', why: faults.join('; ') };
  return { state: 'usable', content: artifact.content };
}

/** True where end - start - pauses and the duration differ by more than 2 s: a remark, not a fault. */
export function durationDiffers(timing: Timing): boolean {
  const { startUnix, endUnix, durationSeconds, pauseSeconds } = timing;
  if (startUnix === null || endUnix === null || durationSeconds === null) return false;
  return Math.abs(endUnix - startUnix - (pauseSeconds ?? 0) - durationSeconds) > durationToleranceSeconds;
}
