import type { LogQuote } from './log-event.ts';
import type { BotLine, LogLines } from './log-lines.ts';
import { localDay } from './time.ts';

/** One round that came in, or was stored, more than once: two paths deliver the same signal (DOMAIN, section 5). */
export interface DuplicateIngestion {
  /** Day of the server. */
  day: string;
  map: string | null;
  number: number | null;
  /** How often it was received and stored. */
  received: number;
  stored: number;
  lines: readonly LogQuote[];
}

const withinSeconds = 60;

/** What a line is a copy of: the announced round, or the stored capture; null for lines that are no copies. */
function signalOf({ event, about }: BotLine): string | null {
  if (event.kind === 'announced' && about !== null) return `${about.map} R${about.number}`;
  if (event.kind !== 'stored') return null;
  return about === null ? `${event.subject} R${event.number}` : `${about.map} R${about.number}`;
}

/** The lines of one signal, cut where more than a minute lies between them. */
function bursts(lines: readonly BotLine[]): BotLine[][] {
  const found: BotLine[][] = [];
  for (const line of [...lines].sort((a, b) => a.unix - b.unix)) {
    const last = found.at(-1);
    if (last !== undefined && line.unix - last[0]!.unix <= withinSeconds) last.push(line);
    else found.push([line]);
  }
  return found;
}

function duplicateOf(burst: readonly BotLine[], zone: string): DuplicateIngestion[] {
  const count = (kind: string) => burst.filter(({ event }) => event.kind === kind).length;
  const [received, stored] = [count('announced'), count('stored')];
  if (received < 2 && stored < 2) return [];
  const { unix, about, event } = burst[0]!;
  const lines = burst.map((line) => line.event.quote);
  const name = about ?? { map: null, number: event.number };
  return [{ day: localDay(unix, zone), ...name, received, stored, lines }];
}

/** Every round that was received or stored twice within a minute, in the order of play. */
export function duplicateIngestion(lines: LogLines, zone: string): DuplicateIngestion[] {
  const bySignal = new Map<string, BotLine[]>();
  for (const line of lines.bot) {
    const signal = signalOf(line);
    if (signal === null) continue;
    const known = bySignal.get(signal);
    if (known) known.push(line);
    else bySignal.set(signal, [line]);
  }
  const all = [...bySignal.values()].flatMap(bursts);
  const inOrder = all.sort((a, b) => a[0]!.unix - b[0]!.unix);
  return inOrder.flatMap((burst) => duplicateOf(burst, zone));
}

/** How many there were on each day of the server. */
export function duplicatesPerDay(found: readonly DuplicateIngestion[]): Record<string, number> {
  const days: Record<string, number> = {};
  for (const { day } of found) days[day] = (days[day] ?? 0) + 1;
  return days;
}
