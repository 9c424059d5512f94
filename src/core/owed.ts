import { addDays, localText } from './time.ts';

/** So many missed days are made up for by mail; a person who comes back after a year wants no 300 mails. */
export const mostMadeUp = 14;

/** What is known when reports are owed. */
export interface OwedFacts {
  nowUnix: number;
  zone: string;
  /** `HH:MM` of the server, at which the report of the day before is owed. */
  reportAt: string;
  /** The last day that was reported; null where none ever was. */
  lastDay: string | null;
}

/** The last day of the server whose report is owed at a moment: yesterday, and before `reportAt` the day before. */
export function lastOwedDay({ nowUnix, zone, reportAt }: Omit<OwedFacts, 'lastDay'>): string {
  const now = localText(nowUnix, zone);
  const [day, time] = [now.slice(0, 10), now.slice(11, 16)];
  return addDays(day, time >= reportAt ? -1 : -2);
}

/**
 * The days whose reports are owed, oldest first. It asks for no tick: late, twice, or after a week off it gives
 * what is still owed. The first report ever is of yesterday only. On the local times that a clock change repeats
 * or leaves out, a day is owed from the first moment at which the clock shows `reportAt` or more.
 */
export function owedDays(facts: OwedFacts): string[] {
  const last = lastOwedDay(facts);
  const { lastDay } = facts;
  if (lastDay === null) return [last];
  const oldest = addDays(last, 1 - mostMadeUp);
  const first = addDays(lastDay, 1);
  const days: string[] = [];
  for (let day = first > oldest ? first : oldest; day <= last; day = addDays(day, 1)) days.push(day);
  return days;
}

const minute = 60;

/** When the next report becomes owed, after a moment; unix seconds. Asked minute by minute: the clock may change. */
export function nextReport(facts: Omit<OwedFacts, 'lastDay'>): number {
  const now = lastOwedDay(facts);
  let at = facts.nowUnix - (facts.nowUnix % minute) + minute;
  while (lastOwedDay({ ...facts, nowUnix: at }) <= now) at += minute;
  return at;
}
