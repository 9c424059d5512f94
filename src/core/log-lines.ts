import { botInstants, clockOfDays } from './bot-clock.ts';
import type { LogEvent } from './log-event.ts';
import { normaliseMap } from './names.ts';

/** A line of the bot's log at its instant, and the round's name that it carries or inherits. */
export interface BotLine {
  event: LogEvent;
  unix: number;
  /** Null where neither the line nor the one message that was being handled names a round. */
  about: { map: string; number: 1 | 2 } | null;
}

/** The lines of both logs, in order, as far as their time could be told. */
export interface LogLines {
  bot: readonly BotLine[];
  consoleLines: readonly LogEvent[];
}

/** So long after its announcement a message is stored, refused, or fails. */
export const handlingSeconds = 60;
/** What a message calls its round. */
export type Named = NonNullable<BotLine['about']>;

/** Files apart, and the lines of each in order. */
export const byPlace = (a: LogEvent, b: LogEvent) =>
  a.lineage === b.lineage ? a.quote.line - b.quote.line : a.lineage < b.lineage ? -1 : 1;

export const sameName = (a: Named, b: Named) => a.map === b.map && a.number === b.number;

const nameless: ReadonlySet<string> = new Set(['store_failed', 'stored', 'spawns_stored', 'continuation']);

/**
 * Gives each nameless line the round that was being handled when it was written, if it was only one: an error
 * while storing names no round, but follows the announcement of its message.
 */
function withNames(lines: readonly BotLine[]): BotLine[] {
  let handled: { name: Named; unix: number; lineage: string }[] = [];
  return lines.map((line) => {
    const { event, unix } = line;
    handled = handled.filter(
      (one) => one.lineage === event.lineage && Math.abs(unix - one.unix) <= handlingSeconds,
    );
    if (event.kind === 'announced' && line.about !== null)
      handled = [
        ...handled.filter(({ name }) => !sameName(name, line.about!)),
        { name: line.about, unix, lineage: event.lineage },
      ];
    if (line.about !== null || !nameless.has(event.kind)) return line;
    const open = handled.filter(({ name }) => event.number === null || event.number === name.number);
    return open.length === 1 ? { ...line, about: open[0]!.name } : line;
  });
}

function ownName({ map, number }: LogEvent): Named | null {
  return map === null || number === null ? null : { map: normaliseMap(map), number };
}

/** Reads the lines of both logs: the bot's at their instants, which its own trigger lines tell (DOMAIN, section 5). */
export function readLogLines(events: readonly LogEvent[], zone: string): LogLines {
  const ordered = [...events].sort(byPlace);
  const bot = ordered.filter(({ log }) => log === 'bot');
  const clockOf = clockOfDays(bot, zone);
  const timed = bot.flatMap((event): BotLine[] => {
    const clock = event.at === null ? null : clockOf(event.at.slice(0, 10));
    const instants = clock === null ? [] : botInstants(event.at!, clock, zone);
    return instants.length === 0 ? [] : [{ event, unix: instants[0]!, about: ownName(event) }];
  });
  return { bot: withNames(timed), consoleLines: ordered.filter(({ log }) => log === 'console') };
}
