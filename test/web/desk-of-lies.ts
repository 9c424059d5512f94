import type { DayPoint } from '../../reports/model.ts';
import { type Coverage, openOrder } from '../../src/core/coverage.ts';
import { exemptReasons } from '../../src/core/expected.ts';
import { entryKinds, type FoldEntry, type Incident, type Said } from '../../src/core/incident.ts';
import type { LogQuote } from '../../src/core/log-event.ts';
import type { Json, Place, Row } from '../../src/core/model.ts';
import { type SeenCandidate, type Verdict, verdicts } from '../../src/core/verdict.ts';
import { UsageError } from '../../src/errors.ts';
import type { Desk, IncidentView, Overview, RunLine, WebDecision } from '../../src/web/desk.ts';

/** Texts with which a player, a map or a line of a log could attack whoever reads them. */
export const lies: Readonly<Record<string, string>> = {
  script: 'x<script>alert(1)</script>',
  attribute: '"><img src=x onerror=alert(1)>',
  handler: `" onmouseover="alert(1)" x='`,
  'single quotes': "' onfocus='alert(1)' autofocus='",
  header: 'x\r\nSet-Cookie: x=1\r\n\r\n<script>alert(1)</script>',
  'bidirectional writing': 'a\u202e\u2066gpj.exe\u2069\u200f',
  address: 'javascript:alert(1)//',
  'end of a page': '</title></textarea></pre></style><script>alert(1)</script>',
  comment: '--><!--<script>alert(1)</script>',
  'address of data': 'data:text/html,<script>alert(1)</script>',
  'name of every object': 'constructor',
  'half a character': '\ud83d<b>\udc00',
  'path upwards': '../../../etc/passwd',
};

const at = '2026-02-28T20:00:00.000Z';
const hash = 'ab'.repeat(32);
const zeros = <K extends string>(names: readonly K[]) =>
  Object.fromEntries(names.map((name) => [name, 1])) as Record<K, number>;

const coverage: Coverage = {
  rows: 17,
  exempt: zeros(exemptReasons),
  live: 1,
  repaired: 1,
  pending: 1,
  open: zeros(openOrder),
  setAside: 1,
  lost: 1,
};

const run = (lie: string): RunLine => ({
  id: lie,
  command: lie,
  startedAt: at,
  finishedAt: at,
  state: 'failed',
  exitCode: 1,
  error: lie,
});

const said = (lie: string): Said => ({ by: lie, at, reason: lie });
const quote = (lie: string): LogQuote => ({ file: lie, line: 1, text: lie });

const candidate = (lie: string, kind: 'capture' | 'artifact'): SeenCandidate => ({
  kind,
  captureId: kind === 'capture' ? 7 : null,
  path: kind === 'artifact' ? `/srv/${lie}/${lie}` : null,
  sha256: kind === 'artifact' ? hash : null,
  deltaSeconds: 2,
  note: lie,
});

const candidates = (lie: string) => [candidate(lie, 'capture'), candidate(lie, 'artifact')];

/** One incident for each verdict, and one whose verdict is a lie, too. */
function incident(lie: string, id: number): Incident {
  const verdict = verdicts[id - 1] ?? (lie as Verdict);
  const lied = verdict === lie;
  return {
    id,
    source: lie,
    key: lie,
    round: {
      roundId: id,
      matchId: lie,
      map: lie,
      number: 2,
      date: lie,
      time: lie,
      playedAt: lied ? lie : at,
      session: 3,
    },
    status: verdict === 'lost' ? 'written_off' : 'open',
    verdict,
    reason: lie,
    because: lie,
    candidate: { note: lie, path: lie },
    cause: {
      code: lied ? lie : 'module_crashed',
      also: [lie],
      because: lie,
      evidence: Array.from({ length: 20 }, () => ({ ...quote(lie) })),
    },
    openedAt: at,
    closed: null,
    held: lied ? said(lie) : null,
    excused: lied ? said(lie) : null,
    acknowledged: said(lie),
    resolution: null,
    releases: [7],
    artifacts: [{ path: lie, sha256: hash }],
    repairs: [1],
    refusal: { reason: lie, hash, at, times: 2 },
    seen: [lie],
    notes: 1,
    lastSeq: 9,
  };
}

export const incidentIds = Array.from({ length: verdicts.length + 1 }, (_, index) => index + 1);

/** An entry of every kind, and of one that no version knows. */
function entries(lie: string): FoldEntry[] {
  const body: Json = {
    verdict: lie,
    as: lie,
    title: lie,
    because: lie,
    reason: lie,
    why: lie,
    by: lie,
    place: lie,
    cause: { code: lie, also: [lie], because: lie, evidence: [{ file: lie, line: 1, text: lie }] },
    repairs: [{ kind: lie, roundId: 1, path: lie, captureId: null, key: lie }],
    [lie]: [lie, { [lie]: lie }],
  };
  return [...entryKinds, lie].map((kind, index) => ({
    seq: index + 1,
    at,
    kind,
    source: lie,
    key: lie,
    body,
  }));
}

const place = (lie: string, unreadable: string | null): Place => ({
  name: lie,
  unreadable,
  count: 3,
  oldestUnix: 1_770_000_000,
  newestUnix: 1_772_000_000,
});

const row = (lie: string): Row => ({
  id: 1,
  map_name: lie,
  round_number: 2,
  round_id: 1,
  round_date: lie,
  round_time: lie,
  round_status: lie,
  match_id: lie,
  player_name: lie,
  axis_players: [{ guid: lie, name: lie }],
  [lie]: lie,
});

function view(lie: string, id: number): IncidentView {
  const of = incident(lie, id);
  const now = {
    round: {
      id,
      matchId: lie,
      number: 2,
      map: lie,
      date: lie,
      time: lie,
      createdAt: lie,
      status: lie,
      isValid: true,
      isBot: false,
      session: 3,
      timing: {
        startUnix: null,
        endUnix: null,
        durationSeconds: null,
        endReason: lie,
        pauseSeconds: null,
        pauseCount: null,
      },
    },
    key: lie,
    playedUnix: 1_772_000_000,
    exempt: null,
    verdict: of.verdict,
    reason: 'nothing_fits',
    because: lie,
    flags: ['foreign_timing'],
    candidate: candidate(lie, 'artifact'),
    cause: null,
  } as const;
  const isGone = id % 2 === 0;
  return {
    incident: of,
    now: isGone ? null : now,
    whyNotNow: isGone ? lie : null,
    candidates: candidates(lie),
    places: [place(lie, null), place(lie, lie)],
    rows: isGone ? null : { rounds: [row(lie)], captures: [row(lie)], spawns: [row(lie)] },
    logLines: { bot: [quote(lie)], console: [quote(lie)] },
    entries: entries(lie),
    packet: { folder: lie, files: [lie, 'README.md', `${lie}.json`] },
  };
}

function dayPoint(index: number): DayPoint {
  const share = { expected: 4, live: 3 };
  return {
    day: `2026-02-${String((index % 28) + 1).padStart(2, '0')}`,
    coverage,
    r1: share,
    r2: share,
    missingR2: [index],
    unlikely: true,
  };
}

const overview = (lie: string): Overview => ({
  source: lie,
  zone: lie,
  now: at,
  lastAudit: run(lie),
  runs: [run(lie), { ...run(lie), state: 'running', finishedAt: null, exitCode: null }],
  open: incidentIds.map((id) => incident(lie, id)),
  figures: {
    coverage,
    series: Array.from({ length: 30 }, (_, index) => dayPoint(index)),
    discrepancies: [lie],
  },
  whyNoFigures: lie,
  unreadablePlaces: [{ place: lie, since: at, why: lie }],
  outbox: { queued: 1, sent: 2, dead: 3, oldestQueuedAt: at },
  deadLetters: [{ channel: lie, key: lie, why: lie }],
  head: { seq: 9, hash },
});

const bytes = (text: string) => new TextEncoder().encode(text);

/** A desk whose every text is one lie, and that keeps what was decided. It refuses with the lie, too. */
export function deskOfLies(lie: string): Desk & { decided: { decision: WebDecision; by: string }[] } {
  const decided: { decision: WebDecision; by: string }[] = [];
  return {
    decided,
    overview: async () => overview(lie),
    incidents: async () => ({
      incidents: incidentIds.map((id) => incident(lie, id)),
      total: 120,
      pageSize: 50,
    }),
    incident: async (id) => (incidentIds.includes(id) ? view(lie, id) : null),
    async decide(_id, decision, by) {
      if (decision.kind === 'hold') throw new UsageError(lie);
      decided.push({ decision, by });
    },
    packetFile: async (folder, file) =>
      folder === 'packet' && file === 'README.md' ? bytes(`<html>${lie}`) : null,
    ledger: async () => ({
      entries: entries(lie).map((entry) => ({ ...entry, prevHash: hash, hash, incidents: [1] })),
      head: { seq: 9, hash },
      before: 1,
    }),
    async verify(anchor) {
      if (anchor !== null) throw new UsageError(lie);
      return {
        count: 9,
        head: { seq: 9, hash },
        problems: [
          { seq: 1, what: lie },
          { seq: null, what: lie },
        ],
        anchors: [{ seq: 3, ok: false, why: lie }],
        rows: { intact: 1, overwritten: 1, changed: 1, deleted: 1 },
      };
    },
    async *exportLedger() {
      yield JSON.stringify({ lie });
    },
    reports: async () => [
      { name: lie, title: lie, state: lie, formats: [lie, 'html'] },
      { name: 'production/2026-02-28', title: lie, state: 'gaps', formats: ['html', 'json'] },
    ],
    reportFile: async (name) =>
      name === 'production/2026-02-28' ? bytes(`<style>p{}</style><p>${lie}</p>`) : null,
    measurements: async () => ({
      coverage: { r1: coverage, r2: coverage },
      openByVerdict: { missing: 1, [lie]: 2 },
      lastAudit: run(lie),
      outbox: { queued: 1, sent: 2, dead: 3, oldestQueuedAt: at },
      ledgerSeq: 9,
    }),
    health: async () => ({ ok: true, lastAuditAt: at }),
  };
}
