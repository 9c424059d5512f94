import type { Source } from '../src/context.ts';
import { gapEntries } from '../src/core/record.ts';
import { closeDatabase, openDatabase } from '../src/database.ts';
import { messageOf } from '../src/errors.ts';
import { openAlertGroups } from '../src/ledger/alert-groups.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { holdsNewest, newestOf } from '../src/source/look.ts';
import { inspectSource } from '../src/source/schema.ts';
import type { LogReading } from './log-evidence.ts';
import { type AuditRequest, type Look, look } from './look.ts';

interface Looking {
  source: Source;
  ledger: Ledger | null;
  when: string;
  reading: LogReading | null;
}

/**
 * True where a look leaves nothing to write, to repair or to tell: no gap is open, and what the ledger says of the
 * others is what was seen. Only then may it rest on a replica.
 */
async function owesNothing(seen: Look, { source, ledger }: Looking): Promise<boolean> {
  const { observation, plan } = seen;
  if (plan.planned.length > 0 || observation.openKeys.length > 0) return false;
  if (ledger !== null && (await openAlertGroups(ledger.database, source.name)).length > 0) return false;
  const drafts = gapEntries({
    source: source.name,
    run: '',
    assessments: plan.assessments,
    incidents: observation.incidents,
    places: observation.situation.facts.places,
    packets: new Map(),
    looksForVanished: true,
  });
  return drafts.length === 0;
}

/** Looks at the replica; null where it lacks what the source had before. */
async function lookAtReplica(request: AuditRequest, looking: Looking): Promise<Look | null> {
  const newest = await newestOf(looking.source.database);
  const database = await openDatabase(request.config.sourceReadUrl!, { readOnly: true });
  try {
    if (!(await holdsNewest(database, newest))) {
      request.log.info({ replica: database.label }, 'the replica is behind; the source itself is read');
      return null;
    }
    const source = { ...looking.source, database, schema: await inspectSource(database) };
    return await look(request, { ...looking, source });
  } finally {
    await closeDatabase(database);
  }
}

/**
 * The look that an audit plans from. With SOURCE_READ_URL the replica is looked at first, and the source itself only
 * where that leaves something to do or to write: nothing is planned, recorded or told on the word of a replica, so that
 * one that lags can delay an audit, and never mislead it (decision 0017).
 */
export async function firstLook(request: AuditRequest, looking: Looking): Promise<Look> {
  const { config, scope, log } = request;
  if (config.sourceReadUrl === null || scope.kind === 'round') return look(request, looking);
  const seen = await lookAtReplica(request, looking).catch((thrown: unknown) => {
    log.warn({ why: messageOf(thrown) }, 'could not read the replica; the source itself is read');
    return null;
  });
  if (seen !== null && (await owesNothing(seen, looking))) return seen;
  return look(request, { ...looking, visit: seen?.observation.visit });
}
