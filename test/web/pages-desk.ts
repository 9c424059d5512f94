import { createHash } from 'node:crypto';
import type { DayPoint } from '../../reports/model.ts';
import { type Coverage, coverageOf } from '../../src/core/coverage.ts';
import { affectedIncidents, foldIncident } from '../../src/core/fold.ts';
import { type FoldEntry, type Incident, isOpenIncident } from '../../src/core/incident.ts';
import type { Json, Place, Row } from '../../src/core/model.ts';
import { addDays } from '../../src/core/time.ts';
import type { SeenCandidate, Verdict } from '../../src/core/verdict.ts';
import { UsageError } from '../../src/errors.ts';
import type {
  Desk,
  IncidentFilter,
  IncidentView,
  Overview,
  RunLine,
  WebDecision,
} from '../../src/web/desk.ts';

/** The morning after: everything of 2026-02-16 has settled. */
export const now = '2026-02-18T07:00:00Z';
const source = 'production';

interface Story {
  round: readonly [id: number, map: string, number: number, date: string, time: string, session: number];
  verdict: Verdict;
  reason: string;
  because: string;
  cause: Json;
  seen?: readonly SeenCandidate[];
}

const quote = (file: string, line: number, text: string) => ({ file: `/srv/logs/${file}`, line, text });

const crash = {
  code: 'module_crashed',
  also: ['never_received'],
  because:
    "the game server's module crashed after the round's end: bad argument #9 to 'format' (number has no integer representation)",
  evidence: [
    quote('etconsole.log', 503, '[stats_discord_webhook] Round ended at 1771273467 (duration: 177 sec)'),
    quote(
      'etconsole.log',
      512,
      `Lua 5.4 API: ^4et_RunFrame error running lua script: '[string "luascripts/stats_discord_webhook.lua"]:804: bad argument #9 to 'format' (number has no integer representation)'`,
    ),
    quote(
      'webhook.log',
      63,
      '2026-02-16 21:24:31 | INFO     | bot.webhook               | 📥 Webhook trigger validated: 2026-02-16-212429-etl_adlernest-round-2.txt',
    ),
    quote('etconsole.log', 521, '[stats_discord_webhook] Webhook send already in progress, skipping'),
  ],
};
const neverReceived = {
  code: 'never_received',
  also: [],
  because: 'the bot received the stats file of the round, and no message of the module',
  evidence: [
    quote('webhook.log.1', 12, '2026-02-06 20:31:07 | INFO | bot.webhook | 📥 Webhook trigger validated'),
  ],
};

const lostBecause = 'no capture and no artifact fits; the artifact place was read, and 24 h have passed';
const lost = (round: Story['round'], cause: Json): Story => ({
  round,
  verdict: 'lost',
  reason: 'nothing_fits',
  because: lostBecause,
  cause,
});

const [firstSha, secondSha] = ['a1'.repeat(32), 'b2'.repeat(32)];
const twoArtifacts: SeenCandidate[] = [
  ['/srv/gametimes/gametime-te_escape2-R1-1771360263.json', firstSha, 2],
  ['/srv/gametimes/eu2/gametime-te_escape2-R1-1771360267.json', secondSha, -2],
].map(([path, sha256, deltaSeconds]) => ({
  kind: 'artifact',
  captureId: null,
  path: String(path),
  sha256: String(sha256),
  deltaSeconds: Number(deltaSeconds),
  note: 'whole and sane',
}));

export const ambiguous: Story = {
  round: [9880, 'te_escape2', 1, '2026-02-17', '213105', 90],
  verdict: 'ambiguous',
  reason: 'several_artifacts',
  because: 'several artifacts fit it equally well, 2 s before and after the file',
  cause: { code: 'unknown', also: [], because: 'no log covers its time', evidence: [] },
  seen: twoArtifacts,
};
/** The world of the game writes what it likes. */
export const hostile: Story = {
  round: [9881, '<script>alert(1)</script>\u202e^1map', 2, '2026-02-17', '214512', 90],
  verdict: 'missing',
  reason: 'nothing_fits_yet',
  because: 'no capture and no artifact fits; 540 min old, written off after 24 h',
  cause: {
    code: 'received_not_stored',
    also: [],
    because: 'the bot received the message, and its log says nothing after',
    evidence: [
      quote(
        'webhook.log',
        7,
        '<img src=x onerror=alert(2)> https://discord.com/api/webhooks/1/SECRET \u0007\u202edne',
      ),
    ],
  },
};

const stories: readonly Story[] = [
  lost([9771, 'etl_ice', 2, '2026-02-04', '214010', 85], neverReceived),
  ...(
    [
      [9781, 'supply', 2, '203105'],
      [9783, 'etl_frostbite', 1, '205541'],
      [9784, 'etl_frostbite', 2, '210912'],
      [9786, 'te_escape2', 2, '212403'],
      [9788, 'et_brewdog', 1, '214459'],
      [9789, 'et_brewdog', 2, '215620'],
      [9791, 'sw_goldrush_te', 2, '221537'],
    ] as const
  ).map(([id, map, number, time]) => lost([id, map, number, '2026-02-06', time, 86], neverReceived)),
  lost([9856, 'etl_adlernest', 2, '2026-02-16', '212429', 89], crash),
  lost([9865, 'te_escape2', 2, '2026-02-16', '222606', 89], crash),
  lost([9868, 'te_escape2', 2, '2026-02-16', '224736', 89], crash),
  lost([9871, 'et_brewdog', 2, '2026-02-16', '225928', 89], crash),
  ambiguous,
  hostile,
];

const keyOf = ([, map, number, date, time]: Story['round']) => `${map}|${number}|${date} ${time}`;
const places: Place[] = [
  { name: '/srv/gametimes', unreadable: null, count: 18, oldestUnix: 1770841210, newestUnix: 1771278848 },
  {
    name: '/mnt/eu2/gametimes',
    unreadable: 'it does not exist',
    count: 0,
    oldestUnix: null,
    newestUnix: null,
  },
];

function gap({ round, verdict, reason, because, cause, seen = [] }: Story): Draft {
  const [roundId, map, number, date, time, session] = round;
  const playedAt = new Date(
    Date.parse(`${date}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`) - 3_600_000,
  ).toISOString();
  const body = {
    run: '20260218T065700Z-f57e8f',
    round: { roundId, map, number, date, time, session, playedAt, matchId: `${date}-${time}` },
    ...{ verdict, reason, because, cause, seen, candidate: null, flags: [], from: null },
  };
  const kind = verdict === 'lost' ? 'gap.written_off' : 'gap.found';
  return { kind, key: keyOf(round), body: body as unknown as Json };
}

type Draft = Pick<FoldEntry, 'kind' | 'key' | 'body'>;

/** An entry of the chain, with its hashes. */
export type HashedEntry = FoldEntry & { prevHash: string; hash: string };

function chained(entries: HashedEntry[], draft: Draft): HashedEntry {
  const prevHash = entries.at(-1)?.hash ?? '0'.repeat(64);
  const entry = { seq: entries.length + 1, at: '2026-02-18T06:57:02.084Z', source, ...draft };
  const hash = createHash('sha256').update(prevHash).update(JSON.stringify(entry)).digest('hex');
  const added = { ...entry, prevHash, hash };
  entries.push(added);
  return added;
}

const noCoverage = coverageOf([]);
const day = (live: number, repaired: number, missing: number, open = 0): Coverage => ({
  ...noCoverage,
  ...{ rows: live + repaired + missing + open + 3, live, repaired, lost: missing },
  exempt: { ...noCoverage.exempt, summary: 3 },
  open: { ...noCoverage.open, ambiguous: open > 0 ? 1 : 0, missing: open > 1 ? 1 : 0 },
});
const played: Record<string, Omit<DayPoint, 'day'>> = {
  '2026-02-04': point(day(0, 0, 1), [0, 0], [1, 0], [9771]),
  '2026-02-06': point(day(0, 0, 7), [2, 0], [5, 0], [9781, 9784, 9786, 9789, 9791]),
  '2026-02-11': point(day(0, 10, 6), [8, 0], [8, 0], [9819, 9825, 9828, 9831, 9833, 9836]),
  '2026-02-16': point(day(8, 0, 4), [6, 6], [6, 2], [9856, 9865, 9868, 9871]),
  '2026-02-17': point(day(4, 0, 0, 2), [3, 2], [3, 2], [9881]),
};
function point(coverage: Coverage, r1: [number, number], r2: [number, number], missingR2: number[]) {
  const share = ([expected, live]: [number, number]) => ({ expected, live });
  return { coverage, r1: share(r1), r2: share(r2), missingR2, unlikely: missingR2.length > 5 };
}
const noPlay = { ...point(noCoverage, [0, 0], [0, 0], []), coverage: null };
const series: DayPoint[] = Array.from({ length: 30 }, (_, index) => {
  const name = addDays('2026-02-18', index - 29);
  return { day: name, ...(played[name] ?? noPlay) };
});

export const lastAudit: RunLine = {
  id: '20260218T065700Z-f57e8f',
  command: 'audit',
  startedAt: '2026-02-18T06:57:00.100Z',
  finishedAt: '2026-02-18T06:57:02.600Z',
  state: 'finished',
  exitCode: 3,
  error: null,
};
const failedReport: RunLine = {
  ...lastAudit,
  ...{ id: '20260218T061000Z-aa01bb', command: 'report', startedAt: '2026-02-18T06:10:00Z' },
  ...{
    finishedAt: '2026-02-18T06:10:01Z',
    state: 'failed',
    exitCode: 1,
    error: 'mail: connect ECONNREFUSED',
  },
};

const files: Record<string, string> = {
  'README.md': '# Round 9856: etl_adlernest R2\n<script>alert(3)</script>\n',
  'verdict.json': '{"verdict":"lost"}\n',
  'logs/console.log': 'etconsole.log:512: bad argument #9\n',
  'rows/rounds.json': '[]\n',
  'artifacts/dump.bin': '\u0000\u0001',
  SHA256SUMS: 'aa  README.md\n',
};
const reportHtml =
  '<!doctype html><html lang="en"><head><title>r</title><style>body { color: #123456; }\n</style></head><body><header>4 of 12</header></body></html>';
const reportFiles: Record<string, string> = {
  'production/2026-02-16.html': reportHtml,
  'production/2026-02-16.md': '# Coverage\n',
  'production/2026-02-16.csv': 'day,lost\n2026-02-16,4\n',
  'production/2026-02-16.json': '{"format":"roundwarden-report/1"}\n',
};
const bytes = (text: string | undefined) => (text === undefined ? null : new TextEncoder().encode(text));

const roundRow = (id: number, number: number, time: string): Row => ({
  ...{ id, match_id: '2026-02-16-212030', round_number: number, round_date: '2026-02-16', round_time: time },
  ...{ map_name: 'etl_adlernest', round_status: 'completed', gaming_session_id: 89, is_valid: true },
  ...{ round_start_unix: number === 1 ? 1771272979 : null, round_end_unix: number === 1 ? 1771273228 : null },
});
const captureRow: Row = {
  ...{ id: 1, match_id: '2026-02-16-212028', round_number: 1, map_name: 'etl_adlernest', round_id: 9855 },
  ...{ round_start_unix: 1771272979, round_end_unix: 1771273228, lua_version: '1.6.0' },
  axis_players: [{ guid: '3C6EF362', name: '\u202e.wajs <b>' }],
};

function admits(filter: IncidentFilter, incident: Incident): boolean {
  const { status, verdict, cause, map, day: date, since, round } = filter;
  if (status === 'open' && !isOpenIncident(incident)) return false;
  if (status === 'unclosed' && incident.status === 'closed') return false;
  const code = (incident.cause as { code: string } | null)?.code;
  return (
    (verdict === null || incident.verdict === verdict) &&
    (cause === null || code === cause) &&
    (map === null || (incident.round?.map ?? '').toLowerCase().includes(map.toLowerCase())) &&
    (date === null || incident.round?.date === date) &&
    (since === null || (incident.round?.date ?? '') >= since) &&
    (round === null || incident.round?.roundId === round)
  );
}

const pastTense: Record<Exclude<WebDecision['kind'], 'resolve'>, string> = {
  acknowledge: 'acknowledged',
  note: 'noted',
  reopen: 'reopened',
  hold: 'held',
  excuse: 'excused',
};

/** A desk over entries in memory, folded by the rules of the core; it remembers what was decided. */
export interface MemoryDesk extends Desk {
  decided: { id: number; decision: WebDecision; by: string }[];
  entries: HashedEntry[];
  /** The incident of a round. */
  idOf(roundId: number): number;
  /** What the next answers differ in. */
  change: { overview?: Partial<Overview>; view?: Partial<IncidentView>; health?: boolean };
}

/** The chain of entries, and the incidents that it tells of. */
function openBook() {
  const entries: HashedEntry[] = [];
  const about = (key: string) =>
    entries.filter(
      ({ key: own, body }) =>
        own === key || ((body as { incidents?: string[] } | null)?.incidents ?? []).includes(key),
    );
  const folded = (key: string) =>
    about(key).reduce<Incident | null>((state, entry) => foldIncident(state, entry, key), null);
  const incidents = () =>
    [...new Set(entries.filter(({ kind }) => kind.startsWith('gap.')).map(({ key }) => key))]
      .map(folded)
      .filter((incident) => incident !== null)
      .sort((a, b) => b.id - a.id);
  const find = (id: number) => incidents().find((incident) => incident.id === id) ?? null;
  const head = () => ({ seq: entries.length, hash: entries.at(-1)!.hash });
  const idsOf = (entry: FoldEntry) =>
    affectedIncidents(entry).flatMap((key) => incidents().find((incident) => incident.key === key)?.id ?? []);
  return { entries, about, incidents, find, head, idsOf };
}
type Book = ReturnType<typeof openBook>;

/** Everything that the audits wrote: the gaps, one repair, and a place that failed. */
function tell({ entries }: Book): void {
  for (const story of stories) chained(entries, gap(story));
  const round = [9824, 'etl_sp_delivery', 1, '2026-02-11', '221100', 88] as const;
  const recoverable = {
    verdict: 'recoverable',
    reason: 'artifact',
    because: 'an artifact fits it alone',
  } as const;
  chained(entries, gap({ round, ...recoverable, cause: null }));
  const path = '/srv/gametimes/gametime-etl_sp_delivery-R1-1770844257.json';
  const key = keyOf(round);
  const body = { incidents: [key], repairs: [{ kind: 'backfill', roundId: 9824, path, captureId: null }] };
  const { seq } = chained(entries, { kind: 'repair.started', key, body });
  chained(entries, { kind: 'repair.done', key, body: { ...body, started: seq, certain: true } });
  const failed = { place: '/mnt/eu2/gametimes', why: 'it does not exist', count: 0 };
  chained(entries, { kind: 'place.unreadable', key: 'place:/mnt/eu2/gametimes', body: failed });
}

const outbox = { queued: 1, sent: 12, dead: 1, oldestQueuedAt: '2026-02-18T06:30:00Z' };

function overviewOf({ incidents, head }: Book): Overview {
  const place = { place: '/mnt/eu2/gametimes', since: '2026-02-17T20:00:00Z', why: 'it does not exist' };
  return {
    ...{ source, zone: 'Europe/Ljubljana', now, lastAudit, runs: [lastAudit, failedReport] },
    ...{ open: incidents().filter(isOpenIncident), whyNoFigures: null },
    figures: { coverage: { ...day(12, 10, 10, 2), setAside: 1, rows: 38 }, series, discrepancies: [] },
    ...{ outbox, head: head(), unreadablePlaces: [place] },
    deadLetters: [{ channel: 'mail', key: `${source}|session 89|alert`, why: '550 no such user' }],
  };
}

const packetFolder = 'production-2026-02-16-212429-etl_adlernest-R2-9856';

function viewOf({ about }: Book, incident: Incident): IncidentView {
  const story = stories.find(({ round }) => round[0] === incident.round?.roundId);
  const bare = {
    ...{ incident, now: null, whyNotNow: 'the source cannot be reached', candidates: story?.seen ?? [] },
    ...{ places, rows: null, logLines: { bot: [], console: [] }, entries: about(incident.key), packet: null },
  };
  if (incident.round?.roundId !== 9856) return bare;
  const rounds = [roundRow(9855, 1, '212030'), roundRow(9856, 2, '212429')];
  return {
    ...bare,
    places: places.slice(0, 1),
    rows: { rounds, captures: [captureRow], spawns: [] },
    logLines: { bot: [crash.evidence[2]!], console: crash.evidence.slice(0, 2) },
    packet: { folder: packetFolder, files: Object.keys(files) },
  };
}

function decisionEntry(incident: Incident, decision: WebDecision, by: string): Draft {
  const { key } = incident;
  const { reason } = decision;
  if (decision.kind !== 'resolve')
    return { kind: `incident.${pastTense[decision.kind]}`, key, body: { by, reason } };
  const chosen = twoArtifacts.find(({ sha256 }) => decision.candidate === `artifact:${sha256}`);
  if (chosen === undefined)
    throw new UsageError(`${decision.candidate} names 0 of the candidates of incident ${incident.id}`);
  const resolution = { kind: 'artifact', sha256: chosen.sha256 };
  return { kind: 'incident.resolved', key, body: { by, reason, resolution } };
}

function incidentDesk(book: Book, changed: MemoryDesk['change']) {
  const pageSize = 5;
  return {
    overview: async () => ({ ...overviewOf(book), ...changed.overview }),
    incidents: async (filter: IncidentFilter) => {
      const found = book.incidents().filter((incident) => admits(filter, incident));
      const from = (filter.page - 1) * pageSize;
      return { incidents: found.slice(from, from + pageSize), total: found.length, pageSize };
    },
    incident: async (id: number) => {
      const incident = book.find(id);
      return incident === null ? null : { ...viewOf(book, incident), ...changed.view };
    },
  };
}

function ledgerDesk({ entries, head, idsOf }: Book) {
  const pageSize = 8;
  return {
    ledger: async ({ before, kind }: { before: number | null; kind: string | null }) => {
      const found = entries
        .filter((entry) => (before === null || entry.seq < before) && (kind === null || entry.kind === kind))
        .reverse();
      const shown = found.slice(0, pageSize).map((entry) => ({ ...entry, incidents: idsOf(entry) }));
      return { entries: shown, head: head(), before: found.length > pageSize ? shown.at(-1)!.seq : null };
    },
    verify: async (anchor: string | null) => {
      const seen = anchor === null ? null : /^(\d+) ([0-9a-f]{64})$/.exec(anchor);
      if (anchor !== null && seen === null)
        throw new UsageError(`"${anchor}" is no head: expected its number and its 64 hex digits`);
      const ok = seen !== null && entries[Number(seen[1]) - 1]?.hash === seen[2];
      const anchors =
        seen === null ? [] : [{ seq: Number(seen[1]), ok, why: ok ? null : 'its hash is another' }];
      const rows = { intact: 9, overwritten: 1, changed: 0, deleted: 0 };
      const problems = [
        { seq: 16, what: 'capture 2026-02-11-221057 R1 was overwritten by the live pipeline' },
      ];
      return { count: entries.length, head: head(), problems, anchors, rows };
    },
    async *exportLedger() {
      for (const entry of entries) yield JSON.stringify(entry);
    },
  };
}

const listings = [
  {
    name: 'production/2026-02-16',
    title: '2026-02-16: 4 of 12 rounds are lost, all of them second rounds',
    ...{ state: 'gaps', formats: ['html', 'md', 'csv', 'json'] },
  },
  {
    name: 'production/2026-02-15',
    title: '2026-02-15: no rounds were played',
    ...{ state: 'no_rounds', formats: ['html'] },
  },
];

/** The incident of February 2026, and the evening after it. */
export function februaryDesk(): MemoryDesk {
  const book = openBook();
  tell(book);
  const change: MemoryDesk['change'] = {};
  const decided: MemoryDesk['decided'] = [];
  const coverage = { r1: day(8, 6, 0), r2: { ...day(4, 4, 10, 2), setAside: 1, pending: 2 } };
  const openByVerdict = { ambiguous: 1, missing: 1 };
  return {
    ...{ decided, change, entries: book.entries },
    idOf: (roundId) => book.incidents().find(({ round }) => round?.roundId === roundId)!.id,
    ...incidentDesk(book, change),
    ...ledgerDesk(book),
    async decide(id, decision, by) {
      const incident = book.find(id);
      if (incident === null) throw new UsageError(`there is no incident ${id}`);
      chained(book.entries, decisionEntry(incident, decision, by));
      decided.push({ id, decision, by });
    },
    packetFile: async (folder, file) => (folder === packetFolder ? bytes(files[file]) : null),
    reports: async () => listings,
    reportFile: async (name, format) => bytes(reportFiles[`${name}.${format}`]),
    measurements: async () => ({ coverage, openByVerdict, lastAudit, outbox, ledgerSeq: book.head().seq }),
    health: async () => ({ ok: change.health ?? true, lastAuditAt: lastAudit.finishedAt }),
  };
}
