import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { listPlaces } from '../src/artifacts/places.ts';
import type { Config } from '../src/config.ts';
import { counted } from '../src/core/counted.ts';
import type { Place } from '../src/core/model.ts';
import { isSftp, type SftpAddress } from '../src/core/sftp-address.ts';
import { localText } from '../src/core/time.ts';
import { codeOf, messageOf, plainError } from '../src/errors.ts';
import { alone, type Check, checksOf } from './doctor-check.ts';
import { addressesAmong, ownPaths, visitPlaces } from './visit.ts';

const { ok, problem, warning } = checksOf('directories');

/** The artifact places and the retry buffers as they are now; nothing is fetched. */
export async function lookAtPlaces(config: Config, nowMs = Date.now()): Promise<readonly Place[]> {
  const { places } = await listPlaces(ownPaths(config.gametimePaths));
  const visit = await visitPlaces(config, { ranges: [], keep: false, nowUnix: Math.floor(nowMs / 1000) });
  return [...places, ...visit.places];
}

function checkPlace({ name, unreadable, count, newestUnix }: Place, config: Config): Check {
  const pending = config.pendingPaths.includes(name);
  const setting = pending ? 'PENDING_PATHS' : 'GAMETIME_PATHS';
  const mend = isSftp(name) ? 'mend what it names' : 'mount or mend it';
  if (unreadable !== null)
    return problem(
      name,
      unreadable,
      `${mend}, or take it out of ${setting}; until then nothing is called lost`,
    );
  const newest = newestUnix === null ? '' : `, the newest of ${localText(newestUnix, config.zone)}`;
  return ok(name, `${counted(count, pending ? 'undelivered message' : 'artifact')}${newest}`);
}

/** A buffer is empty when all is well, and so is a share that is not mounted. */
async function checkMounts(config: Config): Promise<Check[]> {
  const checks: Check[] = [];
  for (const path of ownPaths(config.pendingPaths)) {
    const devices = await Promise.all([stat(path), stat(dirname(resolve(path)))]).catch(() => null);
    if (devices !== null && devices[0].dev !== devices[1].dev)
      checks.push(
        warning(
          path,
          'it is a mount point itself: unmounted it would look like an empty buffer',
          'name a directory below the mount point in PENDING_PATHS, which is gone when it is not mounted',
        ),
      );
  }
  return checks;
}

/** As `ls` and `chmod` name it: `0755`. */
const modeText = (mode: number) => (mode & 0o777).toString(8).padStart(4, '0');

/** Like ssh itself: a key that others may read is nobody's. */
async function checkKey(keyPath: string): Promise<Check> {
  const name = 'SFTP_KEY';
  try {
    const { mode } = await stat(keyPath);
    if ((mode & 0o077) === 0) return ok(name, `${keyPath} is for its owner alone`);
    return problem(name, `${keyPath} may be read by others (mode ${modeText(mode)})`, `chmod 600 ${keyPath}`);
  } catch (thrown) {
    return problem(name, `${keyPath} cannot be read: ${plainError(thrown)}`, 'name our private key');
  }
}

async function checkHostKeys(config: Config, addresses: readonly SftpAddress[]): Promise<Check[]> {
  const { pinnedKeys } = await import('../src/artifacts/sftp.ts');
  const { fingerprintOf } = await import('../src/artifacts/known-hosts.ts');
  const byHost = new Map(addresses.map((address) => [`${address.host}:${address.port}`, address]));
  return Promise.all(
    [...byHost].map(async ([host, address]) => {
      const name = `host key of ${host}`;
      try {
        const { pinned } = await pinnedKeys(address, config.sftp!);
        const keys = pinned.map(({ type, blob }) => `${type} ${fingerprintOf(blob)}`);
        return ok(name, `pinned: ${keys.join(', ')}`);
      } catch (thrown) {
        const [what = '', ...mend] = messageOf(thrown).split('; ');
        return problem(name, what, mend.join('; '));
      }
    }),
  );
}

/** What other hosts are entered with, and known by. */
async function checkSftp(config: Config): Promise<Check[]> {
  if (config.sftp === null) return [];
  const addresses = addressesAmong([...config.gametimePaths, ...config.pendingPaths]);
  return [await checkKey(config.sftp.keyPath), ...(await checkHostKeys(config, addresses))];
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
    if (there !== path) return ok(name, `${dataDir} is made by the first audit; it can be`);
    const { mode } = await stat(path);
    if ((mode & 0o007) === 0) return ok(name, `${dataDir} is writable, and closed to others`);
    return warning(
      name,
      `${dataDir} is open to every user of this host (mode ${modeText(mode)}): it holds names and ids of players`,
      `chmod 700 ${dataDir}, or o-rwx where a group shall read it`,
    );
  } catch (thrown) {
    const mend = 'give the user of Roundwarden the right to write there, or set DATA_DIR';
    return problem(name, `${there} cannot be written: ${plainError(thrown)}`, mend);
  }
}

/** The artifact places and retry buffers, how other hosts are entered, and the directory of our own. */
export async function checkPlaces(config: Config, places: readonly Place[]): Promise<Check[]> {
  const none = ok('GAMETIME_PATHS', 'none: there are no artifact places');
  return [
    ...(places.length === 0 ? [none] : places.map((place) => checkPlace(place, config))),
    ...(await checkMounts(config)),
    ...(await alone('directories', 'SFTP_KEY', () => checkSftp(config))),
    await checkDataDir(config),
  ];
}
