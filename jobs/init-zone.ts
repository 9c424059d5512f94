import type { Config } from '../src/config.ts';
import { localText } from '../src/core/time.ts';
import { isBorneOut, zoneFault, zoneFitting } from '../src/core/zone-check.ts';
import { closeDatabase } from '../src/database.ts';
import { messageOf } from '../src/errors.ts';
import { type Check, checksOf } from './doctor-check.ts';
import { openSource } from './doctor-databases.ts';
import { type LinkedIn, readLinked } from './zone-evidence.ts';

const { ok, problem, warning } = checksOf('clock');
const setting = 'SERVER_TIMEZONE';

/** What a source says of zones, or why it says nothing; by its address, so that it is asked once. */
export type ZoneWitnesses = Map<string, Promise<LinkedIn | string>>;

async function askSource(config: Config): Promise<LinkedIn | string> {
  const { source, checks } = await openSource(config);
  if (source === null) return checks[0]!.what;
  try {
    return await readLinked(source);
  } catch (thrown) {
    return messageOf(thrown);
  } finally {
    await closeDatabase(source.database);
  }
}

function witnessOf(config: Config, witnesses: ZoneWitnesses): Promise<LinkedIn | string> {
  const known = witnesses.get(config.sourceUrl) ?? askSource(config);
  witnesses.set(config.sourceUrl, known);
  return known;
}

/** The zone of games that this program was made for. */
export const usualZone = 'Europe/Ljubljana';

/** The host's zone where the linked captures of the source bear it out, and the usual one otherwise. */
export async function suggestedZone(
  config: Config,
  of: { hostZone: string | null; witnesses: ZoneWitnesses },
): Promise<string> {
  const { hostZone, witnesses } = of;
  const linkedIn = hostZone === null ? '' : await witnessOf(config, witnesses);
  if (hostZone === null || typeof linkedIn === 'string') return usualZone;
  return isBorneOut(linkedIn(hostZone), hostZone) ? hostZone : usualZone;
}

/** Whether the linked captures of the source bear a zone out, or prove it wrong. */
export async function lookAtZone(config: Config, witnesses: ZoneWitnesses, nowMs: number): Promise<Check[]> {
  const { zone } = config;
  const now = localText(Math.floor(nowMs / 1000), zone);
  const linkedIn = await witnessOf(config, witnesses);
  const mend = `see that the game server's clock shows ${now}`;
  if (typeof linkedIn === 'string')
    return [warning(setting, `${zone} could not be compared with the source: ${linkedIn}`, mend)];
  const linked = linkedIn(zone);
  const fault = zoneFault(linked, zone);
  if (fault !== null)
    return [problem(setting, fault, 'take the zone whose clock shows what the game server showed then')];
  const { fitting, of } = zoneFitting(linked);
  if (isBorneOut(linked, zone))
    return [ok(setting, `${fitting} of ${of} linked captures lie where ${zone} says; it is ${now} there`)];
  return [warning(setting, `too few linked captures tell whether it is ${zone}`, mend)];
}
