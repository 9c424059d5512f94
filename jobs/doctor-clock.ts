import { counted } from '../src/core/counted.ts';
import { localText } from '../src/core/time.ts';
import { zoneFault } from '../src/core/zone-check.ts';
import { databaseClock } from '../src/source/look.ts';
import { alone, type Check, checksOf, type Examination, utcTime } from './doctor-check.ts';
import { readLinked } from './zone-evidence.ts';

const { ok, problem, warning } = checksOf('clock');

/** Clocks may differ by so many seconds; by so many more, ages and leases are wrong. */
const warnSeconds = 5;
const wrongSeconds = 60;
const synchronise = 'synchronise both clocks: `timedatectl set-ntp true`';

function checkProcess(): Check {
  const offset =
    new Date(0).getTimezoneOffset() === 0 && new Date(Date.UTC(2026, 6)).getTimezoneOffset() === 0;
  if (offset) return ok('process', 'it runs in UTC');
  return problem('process', 'it does not run in UTC', 'start Roundwarden by its own entry point (jobs/main)');
}

async function checkZone({ config, nowMs, source }: Examination): Promise<Check> {
  const { zone } = config;
  const fault = source === null ? null : zoneFault((await readLinked(source))(zone), zone);
  if (fault !== null) return problem('SERVER_TIMEZONE', fault, "set it to the game server's zone");
  const now = localText(Math.floor(nowMs / 1000), zone);
  return ok('SERVER_TIMEZONE', `${zone}: the game server's clock should show ${now}`);
}

const databaseClockName = 'clock of the database';

async function checkDatabaseClock({ source }: Examination): Promise<Check[]> {
  const before = Date.now();
  const theirs = source === null ? null : await databaseClock(source.database);
  if (theirs === null) return [];
  const seconds = Math.round((theirs - (before + Date.now()) / 2) / 1000);
  const apart = `${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} this host's`;
  const name = databaseClockName;
  if (Math.abs(seconds) > wrongSeconds) return [problem(name, apart, synchronise)];
  return [
    Math.abs(seconds) > warnSeconds ? warning(name, apart, synchronise) : ok(name, 'agrees with this host'),
  ];
}

/** A round that ends later than now: one of the clocks, or the zone, is wrong. */
export function checkFuture(
  { config, nowMs }: Examination,
  played: readonly { id: number; unix: number }[],
): Check[] {
  const later = played.filter(({ unix }) => unix > nowMs / 1000 + wrongSeconds);
  if (later.length === 0) return [];
  const { id, unix } = later[0]!;
  return [
    problem(
      'newest round',
      `round ${id} is of ${localText(unix, config.zone)} (${utcTime(unix * 1000)}), which is not yet (${counted(later.length, 'such round')})`,
      'correct SERVER_TIMEZONE, or the clock of the game server or of this host',
    ),
  ];
}

/** The zone of this process, of the server, and whether the clocks agree. */
export async function checkClock(asked: Examination): Promise<Check[]> {
  return [
    checkProcess(),
    ...(await alone('clock', 'SERVER_TIMEZONE', () => checkZone(asked))),
    ...(await alone('clock', databaseClockName, () => checkDatabaseClock(asked))),
  ];
}
