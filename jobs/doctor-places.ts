import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { listPlaces } from '../src/artifacts/places.ts';
import type { Config } from '../src/config.ts';
import { counted } from '../src/core/counted.ts';
import type { Place } from '../src/core/model.ts';
import { localText } from '../src/core/time.ts';
import { codeOf, plainError } from '../src/errors.ts';
import { type Check, checksOf } from './doctor-check.ts';

const { ok, problem } = checksOf('directories');

/** The artifact places as they are now. */
export async function lookAtPlaces(config: Config): Promise<readonly Place[]> {
  return (await listPlaces(config.gametimePaths)).places;
}

function checkPlace({ name, unreadable, count, newestUnix }: Place, config: Config): Check {
  if (unreadable !== null)
    return problem(
      name,
      unreadable,
      `mount or mend it, or take it out of GAMETIME_PATHS; until then nothing is called lost`,
    );
  const newest = newestUnix === null ? '' : `, the newest of ${localText(newestUnix, config.zone)}`;
  return ok(name, `${counted(count, 'artifact')}${newest}`);
}

/** The nearest directory that is there, from a path upwards. */
async function existing(path: string): Promise<string> {
  try {
    await access(path);
    return path;
  } catch (thrown) {
    const above = dirname(path);
    return codeOf(thrown) === 'ENOENT' && above !== path ? existing(above) : path;
  }
}

async function checkDataDir({ dataDir }: Config): Promise<Check> {
  const name = 'DATA_DIR';
  const path = resolve(dataDir);
  const there = await existing(path);
  try {
    await access(there, constants.R_OK | constants.W_OK | constants.X_OK);
    return ok(
      name,
      there === path ? `${dataDir} is writable` : `${dataDir} is made by the first audit; it can be`,
    );
  } catch (thrown) {
    const mend = 'give the user of Roundwarden the right to write there, or set DATA_DIR';
    return problem(name, `${there} cannot be written: ${plainError(thrown)}`, mend);
  }
}

/** The artifact places, and the directory of our own. */
export async function checkPlaces(config: Config, places: readonly Place[]): Promise<Check[]> {
  const none = ok('GAMETIME_PATHS', 'none: there are no artifact places');
  return [
    ...(places.length === 0 ? [none] : places.map((place) => checkPlace(place, config))),
    await checkDataDir(config),
  ];
}
