import { keepArtifact } from '../src/artifacts/keep.ts';
import { foldEntry, keptArtifacts, type Source } from '../src/context.ts';
import { gapEntries, placeEntries } from '../src/core/record.ts';
import { append } from '../src/ledger/append.ts';
import { lastEntryOf } from '../src/ledger/entries.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import type { AuditRequest, Look } from './look.ts';
import { type Plan, repairCount } from './planning.ts';
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
  await append(run.ledger, [{ kind: 'plan.stopped', source: source.name, key: 'plan', body }], run.at);
}
