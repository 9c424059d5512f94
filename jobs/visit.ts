import { readBuffer, type Visited } from '../src/artifacts/pending.ts';
import type { Ignored } from '../src/artifacts/places.ts';
import type { Config } from '../src/config.ts';
import { keptArtifacts, placeLists } from '../src/context.ts';
import type { Artifact, Place } from '../src/core/model.ts';
import { type InstantRange, insideAny } from '../src/core/orphans.ts';
import { isSftp, parseSftpAddress, type SftpAddress } from '../src/core/sftp-address.ts';

/** What was found in places on other hosts and in retry buffers, which are looked at once per run. */
export interface Visit {
  places: Place[];
  artifacts: Artifact[];
  ignored: Ignored[];
}

/** True where there is something to visit. */
export function hasVisits(config: Config): boolean {
  return config.pendingPaths.length > 0 || config.gametimePaths.some(isSftp);
}

/** The directories of this host among the places. */
export function ownPaths(paths: readonly string[]): string[] {
  return paths.filter((path) => !isSftp(path));
}

/** The directories of other hosts among the places; the configuration has checked them. */
export function addressesAmong(paths: readonly string[]): SftpAddress[] {
  return paths.flatMap((path) => {
    const address = isSftp(path) ? parseSftpAddress(path) : null;
    return address === null || 'problem' in address ? [] : [address];
  });
}

async function visitOthers(
  config: Config,
  of: { ranges: readonly InstantRange[]; keep: boolean; nowUnix: number },
): Promise<Visited[]> {
  const { gametimePaths, pendingPaths, sftp: access } = config;
  const places = [
    ...addressesAmong(gametimePaths).map((address) => ({ address, pending: false })),
    ...addressesAmong(pendingPaths).map((address) => ({ address, pending: true })),
  ];
  if (places.length === 0 || access === null) return [];
  // Most installations have no place on another host, and need no SSH.
  const { visitServers } = await import('../src/artifacts/servers.ts');
  return visitServers(places, {
    access,
    copies: keptArtifacts(config),
    lists: placeLists(config),
    keep: of.keep,
    near: (endUnix) => insideAny(of.ranges, endUnix),
    nowUnix: of.nowUnix,
  });
}

/**
 * Visits the places on other hosts and the retry buffers; of artifacts only those that ended in the ranges are
 * read. Has to come before the source is read: a message that is delivered meanwhile is then a capture or
 * still here, never neither. What cannot be read makes its place unreadable; nothing is thrown for it.
 */
export async function visitPlaces(
  config: Config,
  of: { ranges: readonly InstantRange[]; keep: boolean; nowUnix: number },
): Promise<Visit> {
  const buffers: Visited[] = [];
  for (const path of ownPaths(config.pendingPaths)) buffers.push(await readBuffer(path, of));
  const visited = [...(await visitOthers(config, of)), ...buffers];
  return {
    places: visited.map(({ place }) => place),
    artifacts: visited.flatMap(({ artifacts }) => artifacts),
    ignored: visited.flatMap(({ ignored }) => ignored),
  };
}
