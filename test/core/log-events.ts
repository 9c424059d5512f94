import type { BotKind, ConsoleKind, LogEvent } from '../../src/core/log-event.ts';
import { localText } from '../../src/core/time.ts';
import { endUnix, zone } from './builders.ts';

let lines = 0;

type Given = Partial<Omit<LogEvent, 'log' | 'kind' | 'quote'>> & { text?: string; file?: string };

function anEvent(log: LogEvent['log'], kind: LogEvent['kind'], given: Given): LogEvent {
  const { text = kind, file = `${log}.log`, ...rest } = given;
  lines += 1;
  const quote = { file, line: lines, text };
  return {
    log,
    kind,
    lineage: file,
    at: null,
    endUnix: null,
    map: null,
    number: null,
    subject: null,
    ...rest,
    quote,
  };
}

/** A line of the bot's log, written at an instant, in the clock of a host that shows the server's zone. */
export const botLine = (kind: BotKind, unix: number, given: Given = {}): LogEvent =>
  anEvent('bot', kind, { at: localText(unix, zone), ...given });

/** A line of the console that belongs to the round that ended at `end`. */
export const consoleLine = (kind: ConsoleKind, end: number | null = endUnix, given: Given = {}): LogEvent =>
  anEvent('console', kind, { endUnix: end, map: 'supply', ...given });

/** `YYYY-MM-DD-HHMMSS-<map>-round-<n>.txt` of a file time. */
export function statsFile(fileUnix: number, map = 'supply', number = 2): string {
  const [day, time] = localText(fileUnix, zone).split(' ');
  return `${day}-${time!.replaceAll(':', '')}-${map}-round-${number}.txt`;
}

/** The line that a stats file triggers, two seconds after it was written. */
export const trigger = (fileUnix: number, given: Given & { lateSeconds?: number } = {}): LogEvent => {
  const { lateSeconds = 2, ...rest } = given;
  return botLine('trigger', fileUnix + lateSeconds, { subject: statsFile(fileUnix), ...rest });
};

/** `📊 STATS_READY: supply R2`, one second after the end. */
export const announced = (end: number = endUnix, given: Given = {}): LogEvent =>
  botLine('announced', end + 1, { map: 'supply', number: 2, ...given });
