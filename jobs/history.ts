import { exemptReason } from '../src/core/expected.ts';
import type { Incident } from '../src/core/incident.ts';
import type { Artifact, Capture, Round } from '../src/core/model.ts';
import { spanOfFile } from '../src/core/near.ts';
import { endsOf } from '../src/core/own-artifacts.ts';
import {
  addDays,
  clearSpans,
  createdAtInstants,
  localDay,
  localToInstants,
  uniformDays,
} from '../src/core/time.ts';
import { readRivals, readRoundsById } from '../src/source/read.ts';
import {
  earliestEnd,
  readCapturesLinkedTo,
  readStrayCaptures,
  readUnlinkedCaptures,
} from '../src/source/read-captures.ts';
import { readSettled, type SettledHistory } from '../src/source/settled.ts';
import { both } from './both.ts';
import { exemptNear, lookAround, type Readings } from './history-near.ts';
import type { Observing } from './observing.ts';
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
  /** Artifacts that are those of settled rounds, and bear on nothing else. */
  leftOut: ReadonlySet<Artifact>;
}

/** What may bear on rounds of any time. */
export interface HistoryFacts {
  /** Those that can be left out. */
  artifacts: readonly Artifact[];
  /** Those that are not: others than the audit may look for them by themselves. */
  staying: readonly Artifact[];
  /** The incidents that are not closed: their rows are judged, whatever became of them. */
  unclosed: readonly Incident[];
  /** Days whose rounds people may be told of, in a session of which every round counts. */
  toldDays: readonly string[];
}

/** No row is dated before 1971 or after 9000 (core's `isDay`), so no other end is in reach of one. */
const earliestReadableUnix = 31_536_000;
const latestReadableUnix = 221_845_392_000;

function fileTimesOf({ round }: Incident, zone: string): readonly number[] {
  if (round?.date == null || round.time == null) return [];
  return localToInstants(round.date, round.time, zone)?.instants ?? [];
}

/** What is known of candidates and incidents before any artifact is opened. */
export interface EarlyFacts {
  /** The ends of artifacts, unix seconds. */
  ends: readonly number[];
  unclosed: readonly Incident[];
}

/** The day before which nothing can be in reach of a row: what is older is only counted. */
async function firstDayInReach(asked: Observing, { ends, unclosed }: EarlyFacts): Promise<string> {
  const { zone, captureSince } = asked.config;
  const capture = await earliestEnd(asked.source.database, earliestReadableUnix);
  let earliest = capture ?? latestReadableUnix;
  for (const unix of ends) if (unix >= earliestReadableUnix && unix < earliest) earliest = unix;
  const reached = earliest < latestReadableUnix ? [addDays(localDay(earliest, zone), -2)] : [];
  const named = unclosed.flatMap(({ round }) => dayRange(round?.date ?? null)).map(({ since }) => since!);
  return [captureSince, ...reached, ...named].reduce((first, day) => (day < first ? day : first));
}

/** A history as SQL settled it, and the day from which on candidates were thought to be. */
export interface SettledSince {
  history: SettledHistory;
  exemptBefore: string;
}

/**
 * Lets SQL settle what it can, which takes long, and needs to know little: the names of artifacts are enough. To be called
 * inside a snapshot, and where `canSettle`.
 */
export async function settleHistory(asked: Observing, early: EarlyFacts): Promise<SettledSince> {
  const { database, schema } = asked.source;
  const { zone, captureSince } = asked.config;
  const lastDay = addDays(localDay(asked.nowUnix, zone), 1);
  const exemptBefore = await firstDayInReach(asked, early);
  const rules = {
    days: uniformDays(captureSince, lastDay, zone),
    spans: clearSpans(captureSince, lastDay, zone),
    exemptBefore,
    captureSince,
  };
  // What is left to do after the passes counts as one more.
  const onPass = (done: number, total: number) => asked.progress.step('reading the history', done, total + 1);
  const history = await readSettled(database, schema, { rules, pass: asked.pass, onPass });
  return { history, exemptBefore };
}

/** The same where an artifact, once opened, or a kept copy says an earlier end than was known. */
async function settledFor(
  asked: Observing,
  facts: HistoryFacts,
  settled: SettledSince,
): Promise<SettledHistory> {
  const ends = [...facts.artifacts, ...facts.staying].flatMap(endsOf);
  const early = { ends, unclosed: facts.unclosed };
  const isEarlier = (await firstDayInReach(asked, early)) < settled.exemptBefore;
  return isEarlier ? (await settleHistory(asked, early)).history : settled.history;
}

/** The captures that no settled round has. */
async function readLooseCaptures(asked: Observing, { open, hasStrays }: SettledHistory): Promise<Capture[]> {
  const { database, schema } = asked.source;
  return [
    ...(await readUnlinkedCaptures(database, schema)),
    ...(hasStrays ? await readStrayCaptures(database, schema) : []),
    ...(await readCapturesLinkedTo(database, schema, open)),
  ];
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
  return readRivals(database, schema, joinRanges([...around(days), last]));
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

async function readFirst(asked: Observing, facts: HistoryFacts, history: SettledHistory): Promise<Readings> {
  const { database, schema } = asked.source;
  const { zone } = asked.config;
  const [open, loose] = await both(
    readRoundsById(database, schema, history.open),
    readLooseCaptures(asked, history),
  );
  const told = await readTold(asked, { ...facts, open });
  const unclosed = facts.unclosed.flatMap((incident) => fileTimesOf(incident, zone)).map(spanOfFile);
  return { history, open, loose, told, unclosed };
}

/** Reads what the core has to judge of a whole history that was settled in the same snapshot. */
export async function readHistory(
  asked: Observing,
  facts: HistoryFacts,
  settled: SettledSince,
): Promise<HistoryRows> {
  const { database, schema } = asked.source;
  const history = await settledFor(asked, facts, settled);
  const first = await readFirst(asked, facts, history);
  const { open, loose, told } = first;
  const { namedIds, spans, leftOut } = await lookAround(asked, facts, first);
  const openIds = new Set(history.open);
  const known = new Set([...openIds, ...told.map(({ id }) => id)]);
  const readMore = async (ids: readonly number[]) => {
    const unknown = ids.filter((id) => !known.has(id));
    return await readRoundsById(database, schema, unknown);
  };
  const named = onceById(told, await readMore(namedIds)).filter(({ id }) => !openIds.has(id));
  const namedRounds = named.map(({ id }) => id);
  const looseIds = new Set(loose.map(({ id }) => id));
  const linked = await readCapturesLinkedTo(database, schema, namedRounds, looseIds);
  const captures = onceById(loose, linked);
  const exempt = await readMore(exemptNear(history.exemptNear, { spans, captures }));
  const judgedToo = onceById(named, exempt);
  asked.progress.step('reading the history', 1, 1);
  return {
    judged: onceById(open, judgedToo),
    captures,
    settled: withoutJudged(history, judgedToo, asked.config.captureSince),
    leftOut,
  };
}
