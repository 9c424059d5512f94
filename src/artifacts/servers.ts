import type { SftpSettings } from '../config.ts';
import type { Artifact } from '../core/model.ts';
import { parseArtifactName } from '../core/names.ts';
import type { SftpAddress } from '../core/sftp-address.ts';
import type { FileRead } from './file.ts';
import { keepBytes, readKept } from './keep.ts';
import { toMessage } from './message.ts';
import { bufferOf, messagesAmong, unreadableBuffer, type Visited } from './pending.ts';
import { type Ignored, placeOf } from './places.ts';
import { largestArtifact, sha256Of, toArtifact } from './read.ts';
import { type Remembered, readRemembered, remember } from './remembered.ts';
import { type RemoteEntry, type SftpLimits, type SftpSession, Unreachable, withSftp } from './sftp.ts';

/** A directory of another host: an artifact place, or a retry buffer. */
export interface RemotePlace {
  address: SftpAddress;
  pending: boolean;
}

/** How servers are visited. */
export interface Visiting {
  access: SftpSettings;
  limits?: SftpLimits;
  /** Where copies are kept, by SHA-256, and where the lists of them are. */
  copies: string;
  lists: string;
  /** False where nothing may be written: then what is fetched is used, and fetched again the next time. */
  keep: boolean;
  /** Only what ended then is read. */
  near: (endUnix: number) => boolean;
  nowUnix: number;
}

const concurrency = 8;
const longestName = 255;

/** Only a plain name is ever asked for; none becomes a path of this host. */
function isPlainName(name: string): boolean {
  return name.length <= longestName && !/[/\\\p{Cc}\ufffd]/u.test(name) && name !== '.' && name !== '..';
}

function oddNames(place: string, entries: readonly RemoteEntry[]): Ignored[] {
  return entries
    .filter(({ name }) => !isPlainName(name) && name.includes('gametime-'))
    .map(({ name }) => ({
      path: `${place}/${name.slice(0, longestName)}`,
      why: 'the server gives a name that no file of the module has; it was not asked for',
    }));
}

/** A file that is read, and how. */
interface Taken {
  path: string;
  name: string;
  read: FileRead;
  /** It was not known in this state before. */
  fetched: boolean;
}

async function take(
  session: SftpSession,
  of: { directory: string; entry: RemoteEntry; known: Remembered | undefined; visiting: Visiting },
): Promise<Pick<Taken, 'read' | 'fetched'>> {
  const { entry, known, visiting } = of;
  const { size, modifiedUnix, otherKind } = entry;
  if (otherKind !== null) return { read: { state: 'not a file', why: otherKind }, fetched: false };
  if (known !== undefined && known.size === size && known.modifiedUnix === modifiedUnix) {
    const bytes = await readKept(visiting.copies, known.sha256);
    const modified = new Date(known.modifiedUnix * 1000);
    if (bytes !== null) return { read: { state: 'read', bytes, modified }, fetched: false };
  }
  const read = await session.read(`${of.directory}/${entry.name}`, largestArtifact);
  if (read.state !== 'read' || !visiting.keep) return { read, fetched: false };
  const kept = await keepBytes(visiting.copies, read);
  if (typeof kept === 'string') return { read, fetched: true };
  return {
    read: { state: 'unreadable', why: `no copy of it could be kept: ${kept.failed}` },
    fetched: false,
  };
}

/** Takes the files of a place, several at a time, and keeps their order. */
async function takeAll(
  session: SftpSession,
  files: readonly { path: string; entry: RemoteEntry }[],
  of: { directory: string; known: ReadonlyMap<string, Remembered>; visiting: Visiting },
): Promise<Taken[]> {
  const taken = new Array<Taken>(files.length);
  const queue = files.entries();
  const work = async () => {
    for (const [index, { path, entry }] of queue) {
      const { name } = entry;
      taken[index] = { path, name, ...(await take(session, { ...of, entry, known: of.known.get(name) })) };
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return taken;
}

/** Copies of what a place does not list (any more): the server cleans up, and what was kept stays a candidate. */
async function openCopies(
  { address, pending }: RemotePlace,
  known: ReadonlyMap<string, Remembered>,
  of: { listed: ReadonlySet<string>; visiting: Visiting },
): Promise<Artifact[]> {
  const copies: Artifact[] = [];
  for (const { name, sha256, modifiedUnix, endUnix } of known.values()) {
    if (of.listed.has(name) || !of.visiting.near(endUnix)) continue;
    const bytes = await readKept(of.visiting.copies, sha256);
    if (bytes === null) continue;
    const path = `${address.name}/${name}`;
    const read = { state: 'read', bytes, modified: new Date(modifiedUnix * 1000) } as const;
    const artifactName = pending ? null : parseArtifactName(name);
    const copy =
      artifactName === null ? toMessage(path, { name, read }) : toArtifact(path, artifactName, read);
    if (copy !== null) copies.push({ ...copy, fromCopy: true });
  }
  return copies;
}

function readArtifactPlace(
  { address }: RemotePlace,
  entries: readonly RemoteEntry[],
  near: Visiting['near'],
) {
  const byPath = new Map(entries.map((entry) => [`${address.name}/${entry.name}`, entry]));
  const { place, files, ignored } = placeOf(address.name, [...byPath.keys()].sort());
  const wanted = files.filter(({ name }) => near(name.endUnix));
  const nameOf = new Map(wanted.map(({ path, name }) => [path, name]));
  return {
    files: wanted.map(({ path }) => ({ path, entry: byPath.get(path)! })),
    judge: (taken: readonly Taken[]): Visited => ({
      place,
      artifacts: taken.map(({ path, read }) => toArtifact(path, nameOf.get(path)!, read)),
      ignored,
    }),
  };
}

function readBufferPlace(
  { address }: RemotePlace,
  entries: readonly RemoteEntry[],
  { nowUnix }: { nowUnix: number },
) {
  const all = entries.map((entry) => ({ path: `${address.name}/${entry.name}`, entry }));
  const { files, ignored } = messagesAmong(all);
  return {
    files,
    judge: (taken: readonly Taken[]): Visited => {
      const buffer = bufferOf(address.name, taken, { nowUnix });
      return { ...buffer, ignored: [...ignored, ...buffer.ignored] };
    },
  };
}

/** What is worth remembering: whole names, fetched in this visit. */
function toRemember(taken: readonly Taken[], artifacts: readonly Artifact[]): Remembered[] {
  const byPath = new Map(artifacts.map((artifact) => [artifact.path, artifact]));
  return taken.flatMap(({ path, name, read, fetched }) => {
    const artifact = byPath.get(path);
    if (!fetched || read.state !== 'read' || !artifact?.finished) return [];
    const modifiedUnix = Math.floor(read.modified.getTime() / 1000);
    const { endUnix } = artifact;
    return [{ name, size: read.bytes.length, modifiedUnix, sha256: sha256Of(read.bytes), endUnix }];
  });
}

async function visitPlace(session: SftpSession, of: RemotePlace, visiting: Visiting): Promise<Visited> {
  const { address, pending } = of;
  const known = await readRemembered(visiting.lists, address.name);
  if ('failed' in known) return unreadableBuffer(address.name, known.failed);
  let entries: RemoteEntry[];
  try {
    entries = await session.list(address.path);
  } catch (thrown) {
    if (!(thrown instanceof Unreachable)) throw thrown;
    return unvisited(of, { why: thrown.message, known, visiting });
  }
  const plain = entries.filter(({ name }) => isPlainName(name));
  const { files, judge } = pending
    ? readBufferPlace(of, plain, visiting)
    : readArtifactPlace(of, plain, visiting.near);
  const directory = address.path === '/' ? '' : address.path;
  const taken = await takeAll(session, files, { directory, known, visiting });
  const { place, artifacts, ignored } = judge(taken);
  const unwritten = await remember(visiting.lists, address.name, toRemember(taken, artifacts));
  const copies = await openCopies(of, known, { listed: new Set(plain.map(({ name }) => name)), visiting });
  return {
    place: { ...place, unreadable: session.broken?.message ?? unwritten ?? place.unreadable },
    artifacts: [...artifacts, ...copies],
    ignored: [...oddNames(address.name, entries), ...ignored],
  };
}

/** A place that could not be listed: unreadable, and what was kept of it is there all the same. */
async function unvisited(
  place: RemotePlace,
  of: { why: string; known?: ReadonlyMap<string, Remembered>; visiting: Visiting },
): Promise<Visited> {
  const { visiting } = of;
  const known = of.known ?? (await readRemembered(visiting.lists, place.address.name));
  const { name } = place.address;
  if ('failed' in known) return unreadableBuffer(name, of.why);
  return {
    ...unreadableBuffer(name, of.why),
    artifacts: await openCopies(place, known, { listed: new Set(), visiting }),
  };
}

async function visitServer(places: readonly RemotePlace[], visiting: Visiting): Promise<Visited[]> {
  const { access, limits } = visiting;
  try {
    return await withSftp(places[0]!.address, { access, limits }, async (session) => {
      const visited: Visited[] = [];
      for (const place of places) visited.push(await visitPlace(session, place, visiting));
      return visited;
    });
  } catch (thrown) {
    if (!(thrown instanceof Unreachable)) throw thrown;
    const why = thrown.message;
    return Promise.all(places.map((place) => unvisited(place, { why, visiting })));
  }
}

/**
 * Looks at places on other hosts: one connection for each server, one listing for each directory. A file whose
 * name, size and time of change are known is taken from its copy; every other one that is near is fetched,
 * and copied before it is used. What cannot be reached or read makes its place unreadable; nothing is thrown
 * for what a server does.
 */
export async function visitServers(places: readonly RemotePlace[], visiting: Visiting): Promise<Visited[]> {
  const servers = new Map<string, RemotePlace[]>();
  for (const place of places) {
    const { user, host, port } = place.address;
    const server = `${user}@${host}:${port}`;
    servers.set(server, [...(servers.get(server) ?? []), place]);
  }
  const visited = await Promise.all([...servers.values()].map((each) => visitServer(each, visiting)));
  return visited.flat();
}
