import { candidateNumber, safeMap } from './names.ts';

/** What the name of a stats file says: the round's own file time, local text of the server (DOMAIN, section 1). */
export interface StatsFile {
  /** `YYYY-MM-DD`. */
  date: string;
  /** `HHMMSS`. */
  time: string;
  /** As the file system spells it, lower case. */
  safeMap: string;
  number: 1 | 2 | null;
}

/** Map names may hold `-round-` themselves, so the name is matched from the right. */
const statsFilePattern = /^(\d{4}-\d{2}-\d{2})-(\d{6})-(.+)-round-(\d)\.txt$/;

/** Reads `YYYY-MM-DD-HHMMSS-<map>-round-<N>.txt`; null for every other name. */
export function parseStatsFile(fileName: string): StatsFile | null {
  const found = statsFilePattern.exec(fileName);
  if (found === null) return null;
  const [, date, time, map, number] = found as unknown as [string, string, string, string, string];
  return { date, time, safeMap: safeMap(map), number: candidateNumber(Number(number)) };
}
