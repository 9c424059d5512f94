import { existsSync } from 'node:fs';
import { configuredChannels } from '../src/alert/channel.ts';
import { keepArtifact } from '../src/artifacts/keep.ts';
import { foldEntry, keptArtifacts, type Source } from '../src/context.ts';
import { gapEntries, isNewlyLost, type Packet, placeEntries } from '../src/core/record.ts';
import { messageOf } from '../src/errors.ts';
import { append } from '../src/ledger/append.ts';
import { lastEntryOf } from '../src/ledger/entries.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { enqueue } from '../src/ledger/outbox.ts';
import { stopMessage } from './alerting.ts';
import type { AuditRequest, Look } from './look.ts';
import { laterFolder, type PacketFacts, packetFolder, writePacket } from './packet.ts';
import { type Plan, repairCount } from './planning.ts';
import { ownEntries } from './round-entries.ts';
import type { Run } from './run.ts';

/** Copies every artifact that a verdict other than `covered` rests on: the server cleans up. */
export async function keepEvidence(request: AuditRequest, plan: Plan): Promise<void> {
  const directory = keptArtifacts(request.config);
  for (const { seen } of plan.assessments)
    for (const { path, sha256 } of seen) {
      if (path === null || sha256 === null) continue;
      const kept = await keepArtifact(directory, { path, sha256 });
      if (typeof kept === 'object')
        request.log.warn({ path, why: kept.failed }, 'could not keep a copy of an artifact');
    }
}

/** Which of the places were unreadable when the ledger last spoke of them. */
async function knownPlaces(ledger: Ledger, source: string, names: readonly string[]) {
  const known = new Map<string, 'unreadable' | 'readable'>();
  for (const name of names) {
    const last = await lastEntryOf(ledger, source, `place:${name}`, ['place.unreadable', 'place.readable']);
    if (last !== null) known.set(name, last.kind === 'place.unreadable' ? 'unreadable' : 'readable');
  }
  return known;
}

/** Writes the triage packet of every round that this run writes off; one that cannot be written is said. */
async function writePackets(
  request: AuditRequest,
  of: { run: Run; source: Source; seen: Look },
): Promise<Map<string, Packet>> {
  const { run, source, seen } = of;
  const { incidents, situation } = seen.observation;
  const lost = seen.plan.assessments.filter((one) => isNewlyLost(one, incidents.get(one.key)));
  const packets = new Map<string, Packet>();
  const listings: PacketFacts['listings'] = new Map();
  for (const [at, assessment] of lost.entries()) {
    const { config, nowMs } = request;
    const { key, round } = assessment;
    const entries = await ownEntries(run.ledger, source.name, { key, roundId: round.id });
    // A packet that the ledger vouches for is never replaced: a round may be lost, found, and lost again.
    const first = packetFolder(config, source.name, assessment);
    const folder = existsSync(first) ? laterFolder(first, nowMs) : first;
    const facts = { config, source, situation, assessment, lines: seen.lines, entries, nowMs, listings };
    await writePacket(folder, facts).then(
      (packet) => packets.set(key, packet),
      (thrown) =>
        request.log.warn({ roundId: round.id, why: messageOf(thrown) }, 'could not write a triage packet'),
    );
    request.progress.step('writing triage packets', at + 1, lost.length);
  }
  return packets;
}

/** Writes down what was found: places that failed or returned, gaps found, changed, written off, closed. */
export async function record(
  request: AuditRequest,
  of: { run: Run; source: Source; seen: Look },
): Promise<void> {
  const { run, source, seen } = of;
  const { places } = seen.observation.situation.facts;
  const known = await knownPlaces(
    run.ledger,
    source.name,
    places.map(({ name }) => name),
  );
  const about = { source: source.name, run: run.id };
  const drafts = [
    ...placeEntries(places, known, about),
    ...gapEntries({
      ...about,
      assessments: seen.plan.assessments,
      incidents: seen.observation.incidents,
      places,
      packets: await writePackets(request, of),
      looksForVanished: request.scope.kind === 'lookback' || request.scope.kind === 'all',
    }),
  ];
  await append(run.ledger, drafts, run.at);
}

/** A plan over MAX_REPAIRS is written down once, not at every run. */
export async function recordStop(
  request: AuditRequest,
  of: { run: Run; source: Source; plan: Plan },
): Promise<void> {
  const { run, source, plan } = of;
  const last = await lastEntryOf(run.ledger, source.name, 'plan', ['plan.stopped']);
  const said = last === null ? null : (foldEntry(last).body as { fingerprint?: string }).fingerprint;
  if (said === plan.fingerprint) return;
  const repairs = repairCount(plan);
  const body = { run: run.id, fingerprint: plan.fingerprint, repairs, limit: request.config.maxRepairs };
  const message = await stopMessage(request, of);
  await append(run.ledger, [{ kind: 'plan.stopped', source: source.name, key: 'plan', body }], run.at, {
    inside: (inside) => enqueue(inside, [message], configuredChannels(request.config), run.at),
  });
}
