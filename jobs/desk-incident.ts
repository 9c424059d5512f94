import type { Config } from '../src/config.ts';
import { withLedgerToRead } from '../src/context.ts';
import type { Cause } from '../src/core/cause.ts';
import type { EntryKind, FoldEntry, Incident } from '../src/core/incident.ts';
import type { LogQuote } from '../src/core/log-event.ts';
import { readLogLines } from '../src/core/log-lines.ts';
import type { Place } from '../src/core/model.ts';
import type { Packet } from '../src/core/record.ts';
import { localDay } from '../src/core/time.ts';
import type { SeenCandidate } from '../src/core/verdict.ts';
import type { IncidentView } from '../src/web/desk.ts';
import { packetView } from './desk-files.ts';
import { ownIncident } from './desk-incidents.ts';
import { type Asked, lookIfPossible, unixOf } from './desk-now.ts';
import { gatherEvents } from './log-evidence.ts';
import { linesAround } from './packet.ts';
import { allEntries } from './round-entries.ts';
import { instantsOf, widen } from './scope.ts';

const gapKinds: readonly EntryKind[] = ['gap.found', 'gap.changed', 'gap.written_off'];

/** A place as an entry of the ledger describes it. */
interface RememberedPlace {
  name: string;
  count: number;
  oldest: string | null;
  newest: string | null;
  unreadable: string | null;
}

function placeOf({ name, count, oldest, newest, unreadable }: RememberedPlace): Place {
  return { name, count, unreadable, oldestUnix: unixOf(oldest), newestUnix: unixOf(newest) };
}

/** What the last entries of an incident's own say of it. */
function remember(entries: readonly FoldEntry[], key: string) {
  const last = (kinds: readonly string[]) =>
    entries.findLast((entry) => entry.key === key && kinds.includes(entry.kind))?.body ?? {};
  const { seen = [] } = last(gapKinds) as { seen?: SeenCandidate[] };
  const { places = [], packet = null } = last(['gap.written_off']) as unknown as {
    places?: RememberedPlace[];
    packet?: Packet | null;
  };
  return { candidates: seen, places: places.map(placeOf), packet };
}

/** What was proved once stays proved when the logs are gone. */
function knownCause({ cause }: Incident, now: Cause | null): Cause | null {
  const recorded = cause as unknown as Cause | null;
  return now !== null && (now.code !== 'unknown' || recorded === null) ? now : recorded;
}

const quoteName = ({ file, line, text }: LogQuote) => `${file}:${line}:${text}`;

/** Lines of both logs a quarter of an hour around the round, without those that prove its cause. */
async function otherLines(
  { config, ledger, incident }: Asked,
  now: IncidentView['now'],
): Promise<IncidentView['logLines']> {
  const playedUnix = now?.playedUnix ?? unixOf(incident.round?.playedAt);
  if (playedUnix === null) return { bot: [], console: [] };
  const day = localDay(playedUnix, config.zone);
  // Lines of the whole day tell what the clock of the bot's host shows.
  const window = instantsOf(widen({ since: day, until: day }, 1), config.zone);
  const { events } = await gatherEvents(config, ledger, { windows: [window], fresh: true });
  const near = linesAround(readLogLines(events, config.zone), playedUnix);
  const shown = new Set(knownCause(incident, now?.cause ?? null)?.evidence.map(quoteName));
  const isOther = (quote: LogQuote) => !shown.has(quoteName(quote));
  return { bot: near.bot.filter(isOther), console: near.console.filter(isOther) };
}

/** Everything about one incident of this source; null where there is no such one. */
export async function viewIncident(config: Config, id: number, nowMs: number): Promise<IncidentView | null> {
  return withLedgerToRead(config, async (ledger) => {
    const incident = ledger === null ? null : await ownIncident(ledger, config.sourceName, id);
    if (ledger === null || incident === null) return null;
    const asked = { config, ledger, incident, nowMs };
    const { now, whyNotNow, rows, candidates, places } = await lookIfPossible(asked);
    const { key } = incident;
    const roundId = now?.round.id ?? incident.round?.roundId ?? -1;
    const entries = await allEntries(ledger, config.sourceName, { key, roundId });
    const known = remember(entries, key);
    return {
      incident,
      now,
      whyNotNow,
      candidates: candidates ?? known.candidates,
      places: places ?? known.places,
      rows,
      logLines: await otherLines(asked, now),
      entries,
      packet: known.packet === null ? null : await packetView(config, known.packet.path),
    };
  });
}
