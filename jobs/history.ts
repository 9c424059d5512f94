import { exemptReason } from '../src/core/expected.ts';
import type { Incident } from '../src/core/incident.ts';
import { usualSeconds } from '../src/core/match.ts';
import type { Artifact, Capture, Round } from '../src/core/model.ts';
import { isWithin, joinSpans, type Span, sharedStarts, spanOfFile, spanOfReach } from '../src/core/near.ts';
import { longestRoundSeconds } from '../src/core/sane.ts';
import {
  addDays,
  clearSpans,
  createdAtInstants,
  localDay,
  localToInstants,
  uniformDays,
} from '../src/core/time.ts';
import {
  countCaptures,
  earliestEnd,
  linksByEnd,
  readCapturesLinkedTo,
  readRivals,
  readRoundsById,
  readStrayCaptures,
  readUnlinkedCaptures,
  roundIdsByStart,
} from '../src/source/read.ts';
import { type ExemptRow, readSettled, type SettledHistory } from '../src/source/settled.ts';
import type { Observing } from './observe.ts';
import { dayRange, joinRanges, widen } from './scope.ts';

/*
 * A whole history without reading it whole (docs/decisions/0019). SQL settles the rounds whose linked capture fits them by
 * every test; the core judges the others, and of the settled ones those that could bear on another round or are asked
 * for by name. A settled round outside these is matched by its start with its capture, and neither is in reach of
 * anything else, so that leaving both out changes nothing for the rest.
 */

/** What SQL decided, and nobody read. */
export interface Settled {
  /** Every row of the source, read or not. */
  rows: number;
  covered: number;
  exempt: SettledHistory['exempt'];
}

/** What the core has to look at in a whole history, and what SQL decided of the rest. */
export interface HistoryRows {
  judged: Round[];
  captures: Capture[];
  settled: Settled;
}

/** What may bear on rounds of any time. */
export interface HistoryFacts {
  artifacts: readonly Artifact[];
  /** The incidents that are not closed: their rows are judged, whatever became of them. */
  unclosed: readonly Incident[];
  /** Days whose rounds people may be told of, in a session of which every round counts. */
  toldDays: readonly string[];
}

/** No row is dated before 1971 or after 9000 (core's `isDay`), so no other end is in reach of one. */
const earliestReadableUnix = 31_536_000;
const latestReadableUnix = 221_845_392_000;
const daySeconds = 86_400;

function endsOf({ endUnix, content }: Artifact): number[] {
  return content === null ? [endUnix] : [endUnix, content.timing.endUnix];
}

const startsOf = ({ content }: Artifact) =>
  content?.timing.startUnix == null ? [] : [content.timing.startUnix];

function fileTimesOf({ round }: Incident, zone: string): readonly number[] {
  if (round?.date == null || round.time == null) return [];
  return localToInstants(round.date, round.time, zone)?.instants ?? [];
}

/** The day before which nothing can be in reach of a row: what is older is only counted. */
async function firstDayInReach(asked: Observing, facts: HistoryFacts): Promise<string> {
  const { zone, captureSince } = asked.config;
  const capture = await earliestEnd(asked.source.database, earliestReadableUnix);
  let earliest = capture ?? latestReadableUnix;
  for (const artifact of facts.artifacts)
    for (const unix of endsOf(artifact)) if (unix >= earliestReadableUnix && unix < earliest) earliest = unix;
  const reached = earliest < latestReadableUnix ? [addDays(localDay(earliest, zone), -2)] : [];
  const named = facts.unclosed
    .flatMap(({ round }) => dayRange(round?.date ?? null))
    .map(({ since }) => since!);
  return [captureSince, ...reached, ...named].reduce((first, day) => (day < first ? day : first));
}

/** The captures that no settled round has. */
async function readLooseCaptures(
  asked: Observing,
  of: { openIds: readonly number[]; linkedCaptures: number },
): Promise<Capture[]> {
  const { database, schema } = asked.source;
  const unlinked = await readUnlinkedCaptures(database, schema);
  const all = await countCaptures(database);
  const hasStrays = all > unlinked.length + of.linkedCaptures;
  return [
    ...unlinked,
    ...(hasStrays ? await readStrayCaptures(database, schema) : []),
    ...(await readCapturesLinkedTo(database, schema, of.openIds)),
  ];
}

/** The ids of settled rounds that ended in one of some spans. */
async function idsWithin(asked: Observing, spans: readonly Span[]): Promise<number[]> {
  const exact = joinSpans(spans);
  const ids: number[] = [];
  for (const span of joinSpans(exact, daySeconds))
    for await (const { roundId, endUnix } of linksByEnd(asked.source.database, span))
      if (isWithin(exact, endUnix)) ids.push(roundId);
  return ids;
}

/** The days around each of these, as few ranges. */
const around = (days: readonly (string | null)[]) =>
  joinRanges(days.flatMap((day) => dayRange(day)).map((range) => widen(range, 1)));

/** The rounds of the days of which people may be told, of the last ones, and of those that were imported just now. */
async function readTold(asked: Observing, of: HistoryFacts & { open: readonly Round[] }): Promise<Round[]> {
  const { zone, settleHours, lookbackDays } = asked.config;
  const { database, schema } = asked.source;
  const youngUnix = asked.nowUnix - settleHours * 3_600;
  const isYoung = ({ createdAt }: Round) =>
    createdAt !== null && (createdAtInstants(createdAt, zone) ?? []).some((unix) => unix >= youngUnix);
  const days = [...of.toldDays, ...of.open.filter(isYoung).map(({ date }) => date)];
  const lastDays = Math.max(lookbackDays, Math.ceil(settleHours / 24)) + 1;
  const last = { since: addDays(localDay(asked.nowUnix, zone), -lastDays), until: null };
  const found: Round[] = [];
  for (const range of joinRanges([...around(days), last]))
    found.push(...(await readRivals(database, schema, range)));
  return found;
}

/** The days on which settled rounds may be dated that have one of these starts. */
function daysOfStarts(starts: readonly number[], zone: string): string[] {
  const days = new Set<string>();
  for (const start of starts) {
    const last = localDay(start + longestRoundSeconds + usualSeconds, zone);
    for (let day = localDay(start, zone); day <= last; day = addDays(day, 1)) days.add(day);
  }
  return [...days];
}

/**
 * The ids of settled rows that are not expected, and may claim a candidate all the same: having no start, by their distance
 * from whatever capture the core is given, and from an artifact.
 */
function exemptNear(
  rows: readonly ExemptRow[],
  of: { spans: readonly Span[]; captures: readonly Capture[] },
): number[] {
  const ends = of.captures.flatMap(({ timing: { endUnix } }) => (endUnix === null ? [] : [endUnix]));
  const joined = joinSpans([...of.spans, ...ends.map(spanOfReach)]);
  return rows.filter(({ fileUnix }) => isWithin(joined, fileUnix)).map(({ id }) => id);
}

const byId = (one: { id: number }, other: { id: number }) => one.id - other.id;

function onceById<T extends { id: number }>(...lists: readonly (readonly T[])[]): T[] {
  return [...new Map(lists.flat().map((item) => [item.id, item])).values()].sort(byId);
}

/** What was settled, without those rows that the core judges all the same. */
function withoutJudged(history: SettledHistory, judgedToo: readonly Round[], captureSince: string): Settled {
  const { rows, exempt } = history;
  const settled = { rows, covered: history.covered, exempt: { ...exempt } };
  for (const round of judgedToo) {
    const reason = exemptReason(round, captureSince);
    if (reason === null) settled.covered--;
    else settled.exempt[reason]--;
  }
  return settled;
}

/** Reads what the core has to judge of a whole history. To be called inside a snapshot, and where `canSettle`. */
export async function readHistory(asked: Observing, facts: HistoryFacts): Promise<HistoryRows> {
  const { config, source, progress } = asked;
  const { database, schema } = source;
  const { zone, captureSince } = config;
  progress.step('reading the history', 0, 1);
  const exemptBefore = await firstDayInReach(asked, facts);
  const lastDay = addDays(localDay(asked.nowUnix, zone), 1);
  const history = await readSettled(database, schema, {
    days: uniformDays(captureSince, lastDay, zone),
    spans: clearSpans(captureSince, lastDay, zone),
    exemptBefore,
    captureSince,
  });
  const open = await readRoundsById(database, schema, history.open);
  const loose = await readLooseCaptures(asked, {
    openIds: history.open,
    linkedCaptures: history.linkedCaptures,
  });
  const startOf = ({ timing: { startUnix } }: Round | Capture) => (startUnix === null ? [] : [startUnix]);
  const shared = sharedStarts(history.starts, {
    openStarts: open.flatMap(startOf),
    candidateStarts: [...loose.flatMap(startOf), ...facts.artifacts.flatMap(startsOf)],
  });
  const spans = [
    ...facts.artifacts.flatMap(endsOf).map(spanOfReach),
    ...facts.unclosed.flatMap((incident) => fileTimesOf(incident, zone)).map(spanOfFile),
  ];
  const told = await readTold(asked, { ...facts, open });
  const known = new Set([...history.open, ...told.map(({ id }) => id)]);
  const read = async (ids: readonly number[]) =>
    await readRoundsById(
      database,
      schema,
      ids.filter((id) => !known.has(id)),
    );
  const named = await read([
    ...(await roundIdsByStart(database, { starts: shared, days: daysOfStarts(shared, zone) })),
    ...(await idsWithin(asked, spans)),
  ]);
  const openIds = new Set(history.open);
  const notOpen = (rounds: readonly Round[]) => rounds.filter(({ id }) => !openIds.has(id));
  const covered = notOpen(onceById(told, named));
  const linked = await readCapturesLinkedTo(
    database,
    schema,
    covered.map(({ id }) => id),
    new Set(loose.map(({ id }) => id)),
  );
  const captures = onceById(loose, linked);
  const exempt = await read(exemptNear(history.exemptNear, { spans, captures }));
  const judgedToo = onceById(covered, exempt);
  progress.step('reading the history', 1, 1);
  return {
    judged: onceById(open, judgedToo),
    captures,
    settled: withoutJudged(history, judgedToo, captureSince),
  };
}
