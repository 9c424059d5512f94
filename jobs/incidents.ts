import { basename } from 'node:path';
import type { Config } from '../src/config.ts';
import { foldEntry, withLedger, withLedgerToRead, withSource } from '../src/context.ts';
import type { Cause } from '../src/core/cause.ts';
import { isBlank } from '../src/core/harmless.ts';
import {
  type EntryKind,
  type Incident,
  type IncidentStatus,
  isAskedFor,
  longestName,
  longestReason,
} from '../src/core/incident.ts';
import type { Json } from '../src/core/model.ts';
import { printable } from '../src/core/printable.ts';
import { playedText } from '../src/core/round-text.ts';
import type { SeenCandidate } from '../src/core/verdict.ts';
import { noLedgerYet, OperationError, UsageError } from '../src/errors.ts';
import { append } from '../src/ledger/append.ts';
import { lastEntryOf } from '../src/ledger/entries.ts';
import { assertNotBehind } from '../src/ledger/head.ts';
import { incidentById, listIncidents } from '../src/ledger/incidents.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { readCapturesLinkedTo } from '../src/source/read-captures.ts';
import { colouredVerdict, colours, say, sayWords, table } from './print.ts';

const pageSize = 500;

/** The incidents of every source in the ledger, oldest first. */
export async function listAll(config: Config, filter: IncidentStatus): Promise<Incident[]> {
  return withLedgerToRead(config, async (ledger) => {
    if (ledger === null) throw noLedgerYet();
    const found: Incident[] = [];
    for (let afterId = 0; ; ) {
      const page = await listIncidents(ledger, { afterId, limit: pageSize });
      for (const { state } of page) {
        const incident = state as unknown as Incident;
        if (isAskedFor[filter](incident)) found.push(incident);
      }
      if (page.length < pageSize) return found;
      afterId = page.at(-1)!.id;
    }
  });
}

async function find(ledger: Ledger, id: number): Promise<Incident> {
  const stored = await incidentById(ledger, id);
  if (stored === null)
    throw new UsageError(`there is no incident ${id}; \`roundwarden incidents list --all\` names them`);
  return stored.state as unknown as Incident;
}

/** One incident by its id. */
export async function showIncident(config: Config, id: number): Promise<Incident> {
  return withLedgerToRead(config, async (ledger) => {
    if (ledger === null) throw noLedgerYet();
    return find(ledger, id);
  });
}

/** What a person decides about an incident. */
export type Deciding =
  | {
      kind:
        | 'incident.acknowledged'
        | 'incident.excused'
        | 'incident.held'
        | 'incident.reopened'
        | 'incident.noted';
    }
  | { kind: 'incident.resolved'; candidate: string }
  | { kind: 'incident.released'; captureId: number };

function matchesCandidate(seen: SeenCandidate, named: string): boolean {
  const [, kind, bare = ''] = /^(?:(capture|artifact):)?(.*)$/.exec(named) ?? [];
  if (kind !== undefined && kind !== seen.kind) return false;
  if (seen.kind === 'capture') return seen.captureId === Number(bare);
  if (seen.sha256 === null) return false;
  return seen.path === bare || (/^[0-9a-f]{8,64}$/.test(bare) && seen.sha256.startsWith(bare));
}

const candidateName = ({ kind, captureId, path, sha256 }: SeenCandidate) =>
  kind === 'capture' ? `capture:${captureId}` : `artifact:${sha256?.slice(0, 12)} (${path})`;

/** The candidate that a person names, among those that the last audit saw. */
async function resolutionOf(ledger: Ledger, incident: Incident, named: string): Promise<Json> {
  const kinds: EntryKind[] = ['gap.found', 'gap.changed', 'gap.written_off'];
  const last = await lastEntryOf(ledger, incident.source, incident.key, kinds);
  const { seen = [] } = (last === null ? {} : foldEntry(last).body) as { seen?: SeenCandidate[] };
  const known = seen.filter(({ deltaSeconds }) => deltaSeconds !== null);
  const chosen = known.filter((candidate) => matchesCandidate(candidate, named));
  const [only] = chosen;
  if (only === undefined || chosen.length > 1)
    throw new UsageError(
      `${named} names ${chosen.length} of the candidates of incident ${incident.id}; they are: ${known.map(candidateName).join(', ') || 'none'}`,
    );
  return only.kind === 'capture'
    ? { kind: 'capture', captureId: only.captureId }
    : { kind: 'artifact', sha256: only.sha256 };
}

async function assertHolder(config: Config, incident: Incident, captureId: number): Promise<void> {
  const roundId = incident.round?.roundId;
  const holders = await withSource(config, { readOnly: true }, ({ database, schema }) =>
    readCapturesLinkedTo(database, schema, roundId === undefined ? [] : [roundId]),
  );
  if (holders.some(({ id }) => id === captureId)) return;
  const names = holders.map(({ id }) => id).join(', ') || 'none';
  throw new UsageError(`capture ${captureId} is not linked to round ${roundId}; those that are: ${names}`);
}

async function bodyOf(
  config: Config,
  of: { ledger: Ledger; incident: Incident; deciding: Deciding },
): Promise<Record<string, Json>> {
  const { ledger, incident, deciding } = of;
  if (deciding.kind === 'incident.resolved')
    return { resolution: await resolutionOf(ledger, incident, deciding.candidate) };
  if (deciding.kind !== 'incident.released') return {};
  if (incident.source !== config.sourceName)
    throw new OperationError(
      `incident ${incident.id} is of source ${incident.source}, this is ${config.sourceName}`,
    );
  await assertHolder(config, incident, deciding.captureId);
  return { captureId: deciding.captureId };
}

function assertShort(what: string, text: string, most: number): void {
  const { length } = [...text];
  if (length > most) throw new UsageError(`${what} has ${length} characters; write ${most} at most`);
}

/** What is worth nothing without its reason. */
const reasonFor: Partial<Record<Deciding['kind'], string>> = {
  'incident.excused': 'an excuse needs a reason: say why nothing has to be done about this gap',
  'incident.held': 'a hold needs a reason: say until when, or for what, the audit has to wait',
  'incident.noted': 'a note needs its text',
};

/**
 * Writes down what a person decided, with who said so, and returns the incident as it is then. Throws a UsageError
 * where the reason is missing, or the reason or the name is too long.
 */
export async function decide(
  config: Config,
  decision: { id: number; deciding: Deciding; by: string; reason: string; nowMs: number },
): Promise<Incident> {
  const lacking = reasonFor[decision.deciding.kind];
  if (lacking !== undefined && isBlank(decision.reason)) throw new UsageError(lacking);
  assertShort('the reason', decision.reason, longestReason);
  assertShort('the name', decision.by, longestName);
  return withLedger(config, async (ledger) => {
    await assertNotBehind(ledger);
    const incident = await find(ledger, decision.id);
    const special = await bodyOf(config, { ledger, incident, deciding: decision.deciding });
    const body = { by: decision.by, reason: decision.reason, ...special };
    const { source, key } = incident;
    await append(
      ledger,
      [{ kind: decision.deciding.kind, source, key, body }],
      new Date(decision.nowMs).toISOString(),
    );
    return find(ledger, decision.id);
  });
}

/** Why the pipeline missed the round of an incident, as its last entry says. */
function causeOfIncident({ cause }: Incident): Pick<Cause, 'code' | 'because' | 'evidence'> | null {
  return cause as unknown as Cause | null;
}

function statusText(incident: Incident): string {
  const marks = [
    incident.held && 'held',
    incident.excused && 'excused',
    incident.acknowledged && 'acknowledged',
    incident.resolution && 'resolved',
  ].filter(Boolean);
  const how =
    incident.closed === null
      ? ''
      : ` (${incident.closed.as}${incident.closed.by ? ` by ${incident.closed.by}` : ''})`;
  return [`${incident.status.replace('_', ' ')}${how}`, ...marks].join(', ');
}

/** Incidents for people. */
export function printIncidents(incidents: readonly Incident[], filter: IncidentStatus): void {
  const nothing = filter === 'open' ? 'No incident is open or held.' : 'There are no incidents.';
  say(incidents.length === 0 ? nothing : incidentTable(incidents));
}

function incidentTable(incidents: readonly Incident[]): string {
  return table(
    ['id', 'source', 'round', 'played', 'map', 'R', 'verdict', 'why', 'cause', 'status'],
    incidents.map((incident) => [
      incident.id,
      printable(incident.source),
      incident.round?.roundId ?? '',
      playedText(incident.round),
      printable(incident.round?.map ?? incident.key),
      incident.round?.number ?? '',
      incident.verdict === null ? '' : colouredVerdict(incident.verdict),
      incident.reason,
      causeOfIncident(incident)?.code ?? '',
      statusText(incident),
    ]),
  );
}

function resolutionText(resolution: NonNullable<Incident['resolution']>): string {
  return resolution.kind === 'capture' ? `capture:${resolution.captureId}` : `artifact:${resolution.sha256}`;
}

/** What people have decided of an incident, a line each, and how it ends. */
export function decisionTexts({ id, held, excused, acknowledged }: Incident): string[] {
  return Object.entries({ held, excused, acknowledged }).flatMap(([what, said]) =>
    said === null
      ? []
      : [
          `${what} by ${printable(said.by)} at ${said.at}${said.reason && `: ${printable(said.reason)}`}; \`roundwarden incidents reopen ${id}\` ends that`,
        ],
  );
}

/** One incident for people. */
export function printIncident(incident: Incident): void {
  printIncidents([incident], 'all');
  if (incident.because !== '') sayWords(`\n${printable(incident.because)}`);
  const cause = causeOfIncident(incident);
  if (cause !== null) {
    sayWords(`cause ${cause.code}: ${printable(cause.because)}`);
    for (const { file, line, text } of cause.evidence)
      say(`  ${colours.dim(printable(`${basename(file)}:${line}`))} ${printable(text)}`);
  }
  for (const text of decisionTexts(incident)) sayWords(text);
  if (incident.resolution !== null)
    say(`chosen: ${resolutionText(incident.resolution)}; the next audit writes it, under every other rule`);
  if (incident.releases.length > 0) say(`released captures: ${incident.releases.join(', ')}`);
  if (incident.repairs.length > 0)
    say(`repairs: ${incident.repairs.join(', ')} (\`roundwarden revert SEQ\` undoes one)`);
  if (incident.round !== null) say(colours.dim(`more: roundwarden explain ${incident.round.roundId}`));
}
