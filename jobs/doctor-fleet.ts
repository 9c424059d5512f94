import type { Config } from '../src/config.ts';
import type { Source } from '../src/context.ts';
import { counted } from '../src/core/counted.ts';
import { closeDatabase, openDatabase } from '../src/database.ts';
import { holdsNewest, newestOf } from '../src/source/look.ts';
import { type Check, checksOf } from './doctor-check.ts';
import { unopened } from './doctor-databases.ts';
import { livingWorkers } from './fleet-signs.ts';
import { workerTermMs } from './fleet-term.ts';

const configuration = checksOf('configuration');
const ofSource = checksOf('source');

/** The queue of the fleet, and whether somebody takes jobs from it. None where no queue was asked for. */
export async function checkFleet(
  { fleetUrl: url }: Config,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Check[]> {
  const setting = 'FLEET_DATABASE_URL';
  if (url === null || !(environment[setting] || environment[`${setting}_FILE`])) return [];
  const { ok, warning } = configuration;
  try {
    const database = await openDatabase(url, { readOnly: true });
    try {
      const living = await livingWorkers(database, workerTermMs);
      const there = ok('FLEET_DATABASE_URL', `${database.label} answers`);
      if (living === null || living.length === 0)
        return [there, warning('workers', 'none gave a sign of life', 'start `roundwarden worker`')];
      const hosts = [...new Set(living.map(({ host }) => host))].join(', ');
      return [there, ok('workers', `${counted(living.length, 'worker')} at work, on ${hosts}`)];
    } finally {
      await closeDatabase(database);
    }
  } catch (thrown) {
    return [unopened('configuration', { setting, url, thrown })];
  }
}

/** The replica: whether it answers, and holds what is newest in the source. None where there is none. */
export async function checkReplica({ sourceReadUrl: url }: Config, source: Source): Promise<Check[]> {
  if (url === null) return [];
  const { ok, warning } = ofSource;
  const newest = await newestOf(source.database);
  try {
    const replica = await openDatabase(url, { readOnly: true });
    try {
      if (await holdsNewest(replica, newest))
        return [ok('SOURCE_READ_URL', `${replica.label} has the newest rows`)];
      const mend = 'nothing where it is for a moment; otherwise look at its replication';
      return [warning('SOURCE_READ_URL', `${replica.label} is behind: audits read the source`, mend)];
    } finally {
      await closeDatabase(replica);
    }
  } catch (thrown) {
    return [unopened('source', { setting: 'SOURCE_READ_URL', url, thrown })];
  }
}
