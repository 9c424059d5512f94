import { basename, dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { pack, unpackText } from '../src/artifacts/packed.ts';
import type { ListedFile } from '../src/artifacts/places.ts';
import { readArtifacts } from '../src/artifacts/read-many.ts';
import { type Stamp, stampOf } from '../src/artifacts/stamp.ts';
import { artifactFits, coveringCapture, unfilledSpawns, unusableFits } from '../src/core/candidates.ts';
import type { Artifact } from '../src/core/model.ts';
import type { InstantRange } from '../src/core/orphans.ts';
import { type Situation, understand } from '../src/core/situation.ts';
import { chunks } from '../src/database.ts';
import {
  forgetIndexed,
  type IndexKey,
  type IndexRow,
  indexedPages,
  saveIndexed,
} from '../src/ledger/artifact-index.ts';
import type { Ledger } from '../src/ledger/ledger.ts';

/*
 * Artifacts never change once they are written, and a long history has many: what a run has read of them, the next one
 * takes from the ledger's database, as long as the file is in the very state in which it was read. Why, and what never
 * rests on that: docs/decisions/0018-an-index-of-artifacts.md.
 */

/** Up to so many files are read in less time than the ledger is asked in. */
export const filesWithoutIndex = 200;

/** What the index does not know yet, and what it knows of files that are gone. */
export interface IndexNews {
  read: readonly { key: IndexKey; stamp: string; artifact: Artifact }[];
  gone: readonly IndexKey[];
}

/** The artifacts of a listing, each as if it had just been read. */
export interface Reading {
  /** In the order of the files. */
  artifacts: Artifact[];
  /** Those of them that were not read in this run. */
  indexed: Set<Artifact>;
  news: IndexNews;
}

/** Of a run that asked no index. */
export const noNews: IndexNews = { read: [], gone: [] };

function keyOf({ path, name }: ListedFile): IndexKey {
  return { directory: dirname(path), endUnix: name.endUnix, name: basename(path) };
}

const filesAtOnce = 256;

/** The stamps of files, before any of them is read. */
async function stampsOf(files: readonly ListedFile[], nowMs?: number): Promise<(Stamp | null)[]> {
  const stamps: (Stamp | null)[] = [];
  for (const [index, { path }] of files.entries()) {
    if (index % filesAtOnce === filesAtOnce - 1) await setImmediate();
    stamps.push(stampOf(path, nowMs));
  }
  return stamps;
}

/** By directory and name, the places of files in their list. */
function positionsOf(files: readonly ListedFile[]): Map<string, Map<string, number>> {
  const directories = new Map<string, Map<string, number>>();
  for (const [index, file] of files.entries()) {
    const { directory, name } = keyOf(file);
    const names = directories.get(directory) ?? new Map<string, number>();
    if (names.size === 0) directories.set(directory, names);
    names.set(name, index);
  }
  return directories;
}

/** What of the files the index knows, and which files it knows that are gone. */
async function takeIndexed(
  files: readonly ListedFile[],
  stamps: readonly (Stamp | null)[],
  of: { ledger: Ledger; source: string; ranges: readonly InstantRange[] },
): Promise<{ known: Map<number, Artifact>; gone: IndexKey[] }> {
  const known = new Map<number, Artifact>();
  const gone: IndexKey[] = [];
  const take = (
    names: ReadonlyMap<string, number>,
    { directory, endUnix, name, stamp, artifact }: IndexRow,
  ) => {
    const at = names.get(name);
    if (at === undefined) gone.push({ directory, endUnix, name });
    const taken = at !== undefined && stamps[at]?.text === stamp ? unpackText(artifact, files[at]!) : null;
    if (taken !== null) known.set(at!, taken);
  };
  const { database } = of.ledger;
  for (const [directory, names] of positionsOf(files))
    for (const range of of.ranges)
      for await (const page of indexedPages(database, { source: of.source, directory, range }))
        for (const row of page) take(names, row);
  return { known, gone };
}

/**
 * The artifacts of files whose rounds ended in the ranges: those that have not changed since an earlier run read them
 * from the ledger's index, the others by reading them. Writes nothing: `news` is for `storeNews`.
 */
export async function readListed(
  files: readonly ListedFile[],
  of: {
    ledger: Ledger | null;
    source: string;
    ranges: readonly InstantRange[];
    nowMs?: number;
    besideServer?: boolean;
  },
): Promise<Reading> {
  const { ledger, besideServer } = of;
  if (ledger === null || files.length <= filesWithoutIndex)
    return { artifacts: await readArtifacts(files, { besideServer }), indexed: new Set(), news: noNews };
  const stamps = await stampsOf(files, of.nowMs);
  const { known, gone } = await takeIndexed(files, stamps, { ...of, ledger });
  const unread = [...files.keys()].filter((at) => !known.has(at));
  const artifacts = new Array<Artifact>(files.length);
  for (const [at, artifact] of known) artifacts[at] = artifact;
  const read: { key: IndexKey; stamp: string; artifact: Artifact }[] = [];
  const unreadFiles = unread.map((at) => files[at]!);
  for (const [index, artifact] of (await readArtifacts(unreadFiles, { besideServer })).entries()) {
    const at = unread[index]!;
    artifacts[at] = artifact;
    const stamp = stamps[at];
    // The stamp is older than the reading: what came in between gives the file another one.
    if (stamp?.settled && artifact.sha256 !== null)
      read.push({ key: keyOf(files[at]!), stamp: stamp.text, artifact });
  }
  return { artifacts, indexed: new Set(known.values()), news: { read, gone } };
}

/** Stores what a run has read, for the next one. */
export async function storeNews(ledger: Ledger, source: string, { read, gone }: IndexNews): Promise<void> {
  await forgetIndexed(ledger.database, source, gone);
  // A part at a time: packed, the artifacts of a long history would fill the memory once more.
  for (const part of chunks(read)) {
    const rows = part.map(
      ({ key, stamp, artifact }): IndexRow => ({ ...key, stamp, artifact: JSON.stringify(pack(artifact)) }),
    );
    await saveIndexed(ledger.database, source, rows);
  }
}

/** Every artifact that a verdict other than `covered`, or a repair, could rest on. */
function evidenceOf(situation: Situation): Artifact[] {
  const evidence = new Set<Artifact>();
  for (const { id } of situation.facts.judged) {
    const covering = coveringCapture(situation, id);
    if (covering === null) {
      for (const { group } of artifactFits(situation, id))
        for (const member of group.members) evidence.add(member);
      for (const { artifact } of unusableFits(situation, id)) evidence.add(artifact);
    } else if (situation.rules.repairCovered) {
      const artifact = unfilledSpawns(situation, id, covering.member);
      if (artifact !== null) evidence.add(artifact);
    }
  }
  return [...evidence];
}

/**
 * The situation in which every artifact that something could be written for, or said of a gap, has been read in this
 * run, whatever the index knows of it. What was `indexed` and is read leaves that set.
 */
export async function withEvidenceRead(situation: Situation, indexed: Set<Artifact>): Promise<Situation> {
  for (let current = situation; ; ) {
    const evidence = evidenceOf(current).filter((artifact) => indexed.has(artifact));
    if (evidence.length === 0) return current;
    const { artifacts } = current.facts;
    const read = await readArtifacts(evidence.map(fileOf));
    const otherwise = new Map<Artifact, Artifact>();
    for (const [index, artifact] of evidence.entries()) {
      indexed.delete(artifact);
      if (!isDeepStrictEqual(read[index], artifact)) otherwise.set(artifact, read[index]!);
    }
    if (otherwise.size === 0) return current;
    const facts = { ...current.facts, artifacts: artifacts.map((one) => otherwise.get(one) ?? one) };
    current = understand(facts, current.rules);
  }
}

/** The file that an artifact was read from. */
function fileOf({ path, safeMap, number, endUnix, finished }: Artifact): ListedFile {
  return { path, name: { safeMap, number, endUnix, finished }, place: dirname(path) };
}
