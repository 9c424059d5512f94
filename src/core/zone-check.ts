import { counted } from './counted.ts';
import { reachAfterSeconds, reachBeforeSeconds } from './match.ts';
import type { Capture, Round } from './model.ts';
import { normaliseMap } from './names.ts';
import type { LocalTime } from './time.ts';

/** Zones differ by whole quarters of an hour, by less than this. */
const quarterSeconds = 900;
const mostSeconds = 27 * 3600;

/** So few prove nothing. */
const fewest = 5;

/** A round, and the capture that the pipeline itself has linked to it. */
export interface Linked {
  round: { map: string | null; number: number };
  /** The instants of its file, unix seconds: two on the repeated hour. */
  instants: readonly number[];
  capture: Pick<Capture, 'map' | 'number' | 'timing'>;
}

/** How far a file lies from the end of its round as only another zone explains it, seconds; 0 where they fit; else null. */
function offsetOf({ round, instants, capture }: Linked): number | null {
  if (capture.number !== round.number || normaliseMap(capture.map) !== normaliseMap(round.map)) return null;
  const { endUnix } = capture.timing;
  for (const instant of endUnix === null ? [] : instants) {
    const delta = instant - endUnix!;
    const offset = Math.round(delta / quarterSeconds) * quarterSeconds;
    const isInReach = delta - offset >= -reachBeforeSeconds && delta - offset <= reachAfterSeconds;
    if (Math.abs(offset) < mostSeconds && isInReach) return offset;
  }
  return null;
}

function hoursText(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), (seconds % 3600) / 60];
  return [hours > 0 ? `${hours} h` : '', minutes > 0 ? `${minutes} min` : ''].filter(Boolean).join(' ');
}

/**
 * Why the zone cannot be the game server's, or null: with another one every round seems to have been played hours before
 * or after its own capture, fits nothing, and would be written off. Told where more captures lie whole quarters of an hour
 * from the rounds that they are linked to than fit them; `fitting` are known to fit besides.
 */
export function zoneFault(linked: readonly Linked[], zone: string, fitting = 0): string | null {
  const offsets = linked.map(offsetOf).filter((offset) => offset !== null);
  const apart = offsets.filter((offset) => offset !== 0);
  if (apart.length < fewest || apart.length <= offsets.length - apart.length + fitting) return null;
  const frequency = new Map<number, number>();
  for (const offset of apart) frequency.set(offset, (frequency.get(offset) ?? 0) + 1);
  const [[offset]] = [...frequency].sort(([, a], [, b]) => b - a) as [[number, number]];
  const direction = offset > 0 ? 'ahead of' : 'behind';
  return `${apart.length} of ${counted(offsets.length + fitting, 'linked capture')} lie hours from the times of their rounds: when these were played, the game server's clock was ${hoursText(Math.abs(offset))} ${direction} that of ${zone}`;
}

/** How many captures lie where the zone says, and how many as any zone would explain. */
export function zoneFitting(linked: readonly Linked[]): { fitting: number; of: number } {
  const offsets = linked.map(offsetOf).filter((offset) => offset !== null);
  return { fitting: offsets.filter((offset) => offset === 0).length, of: offsets.length };
}

/** Whether enough captures lie where the zone says for it to be believed, and no more lie elsewhere. */
export function isBorneOut(linked: readonly Linked[], zone: string): boolean {
  return zoneFitting(linked).fitting >= fewest && zoneFault(linked, zone) === null;
}

/** Rounds with the captures that are linked to them; those whose time cannot be read are left out. */
export function linkedOf(
  rounds: readonly Round[],
  of: {
    playedOf: (round: Round) => LocalTime | null;
    linkedTo: ReadonlyMap<number, readonly Capture[]>;
  },
): Linked[] {
  return rounds.flatMap((round) => {
    const { id, map, number } = round;
    const captures = number === null ? [] : (of.linkedTo.get(id) ?? []);
    const played = captures.length === 0 ? null : of.playedOf(round);
    if (number === null || played === null) return [];
    return captures.map((capture) => ({ round: { map, number }, instants: played.instants, capture }));
  });
}
