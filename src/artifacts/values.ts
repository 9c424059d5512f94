import { candidateNumber } from '../core/names.ts';
import { Damage, quoted } from './damage.ts';

/** Characters of a version that the database takes. */
export const versionLength = 16;
const largestInt4 = 2_147_483_647;

/** True for a whole number that fits PostgreSQL's int4. */
export function isInt32(value: unknown): value is number {
  return (
    typeof value === 'number' && Number.isInteger(value) && value >= -largestInt4 - 1 && value <= largestInt4
  );
}

/** A whole number of any size that PostgreSQL's bigint and JavaScript both hold; `what` names what was wanted. */
export function readUnix(label: string, text: string, what = 'a unix time'): number {
  const number = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new Damage(`${label} is ${quoted(text)}, not ${what}`);
  return number + 0; // never minus zero
}

/** A whole number that fits PostgreSQL's int4. */
export function readInteger(label: string, text: string, what = 'a whole number'): number {
  const number = readUnix(label, text, what);
  if (Math.abs(number) > largestInt4) throw new Damage(`${label} is ${number}, too large for the database`);
  return number;
}

/** `441 sec`, in seconds. */
export function readSeconds(label: string, text: string): number {
  const found = /^(-?\d+) sec$/.exec(text);
  if (!found) throw new Damage(`${label} is ${quoted(text)}, not seconds`);
  return readInteger(label, found[1]!, 'seconds');
}

/** `12 min` or `7.375 min`, in minutes, to the nearest integer. */
export function readMinutes(label: string, text: string): number {
  const found = /^(\d{1,10}(?:\.\d{1,20})?) min$/.exec(text);
  if (!found) throw new Damage(`${label} is ${quoted(text)}, not minutes`);
  return readInteger(label, String(Math.round(Number(found[1]!))), 'minutes');
}

/** `1 (12 sec)`: how many pauses, and their seconds together. */
export function readPauses(label: string, text: string): { count: number; seconds: number } {
  const found = /^(-?\d+) \((-?\d+ sec)\)$/.exec(text);
  if (!found) throw new Damage(`${label} is ${quoted(text)}, not pauses`);
  return { count: readInteger(label, found[1]!), seconds: readSeconds(label, found[2]!) };
}

/** The round's number, where 0 means 2. */
export function readRound(label: string, text: string): 1 | 2 {
  const number = /^[012]$/.test(text) ? candidateNumber(Number(text)) : null;
  if (number === null) throw new Damage(`${label} is ${quoted(text)}, not 1 or 2`);
  return number;
}

/** 1 Axis, 2 Allies; 0 for everything else, as the pipeline reads it. */
export function readTeam(text: string): number {
  const team = text.trim().toLowerCase();
  if (team === '1' || team === 'axis') return 1;
  return team === '2' || team === 'allies' ? 2 : 0;
}

/** The team that surrendered, which the module always writes as 0 to 2. */
export function readSurrenderTeam(label: string, text: string): number {
  if (!/^[012]$/.test(text)) throw new Damage(`${label} is ${quoted(text)}, not 0 to 2`);
  return Number(text);
}

const endReasons = new Map([
  ['objective', 'OBJECTIVE'],
  ['surrender', 'SURRENDER'],
  ['forfeit', 'SURRENDER'],
  ['mapchange', 'MAP_CHANGE'],
  ['maprestart', 'MAP_RESTART'],
  ['serverrestart', 'SERVER_RESTART'],
]);

/** The pipeline's word for the module's end reason; NORMAL for every other one (DOMAIN, section 3). */
export function readEndReason(text: string): string {
  const joined = text.trim().toLowerCase().replace(/[ _]/g, '');
  return endReasons.get(joined) ?? 'NORMAL';
}
