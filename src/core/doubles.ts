import { present } from './expected.ts';
import type { Candidate } from './match.ts';
import type { Artifact, ArtifactContent, Capture } from './model.ts';
import { candidateNumber, normaliseMap } from './names.ts';
import { isPlausibleSpan } from './sane.ts';

/** One round's captures or artifacts, written once or several times; the first member counts. */
export interface Group<T> extends Candidate {
  /** By end, the earliest first. */
  members: readonly [T, ...T[]];
}

/** Joins what has the same map, number and start (DESIGN, Matching 6). Without a start nothing is joined. */
function join<T>(items: readonly { item: T; candidate: Candidate; order: string }[]): Group<T>[] {
  const groups = new Map<string, { item: T; candidate: Candidate; order: string }[]>();
  for (const entry of items) {
    const { map, number, startUnix, id } = entry.candidate;
    const key = startUnix === null ? `alone ${id}` : `${number} ${startUnix} ${map}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()].map((entries) => {
    entries.sort((a, b) => a.candidate.endUnix - b.candidate.endUnix || (a.order < b.order ? -1 : 1));
    const [first, ...others] = entries;
    return { ...first!.candidate, members: [first!.item, ...others.map((entry) => entry.item)] };
  });
}

/** The captures that can be a round's, doubles joined. One without an end, a map or a number is none. */
export function captureGroups(captures: readonly Capture[]): Group<Capture>[] {
  const entries = captures.flatMap((capture) => {
    const number = candidateNumber(capture.number);
    const { startUnix, endUnix } = capture.timing;
    if (number === null || !present(endUnix) || normaliseMap(capture.map) === '') return [];
    const candidate: Candidate = {
      id: `capture:${capture.id}`,
      map: normaliseMap(capture.map),
      number,
      // A start that cannot belong to the end joins nothing, so that garbage never speaks for a good double.
      startUnix: isPlausibleSpan(startUnix, endUnix) ? startUnix : null,
      endUnix,
    };
    return [{ item: capture, candidate, order: String(capture.id).padStart(16, '0') }];
  });
  return join(entries);
}

/** An artifact that is whole and sane. */
export type UsableArtifact = Artifact & { content: ArtifactContent; sha256: string };

/** The usable artifacts, doubles joined. */
export function artifactGroups(artifacts: readonly UsableArtifact[]): Group<UsableArtifact>[] {
  const entries = artifacts.map((artifact) => {
    const { map, number, timing } = artifact.content;
    const candidate: Candidate = {
      id: `artifact:${artifact.path}`,
      map: normaliseMap(map),
      number,
      startUnix: timing.startUnix,
      endUnix: timing.endUnix,
    };
    // Of the same end an artifact comes before a bare message: it has the spawn list too.
    return { item: artifact, candidate, order: `${artifact.bare ? 1 : 0} ${artifact.path}` };
  });
  return join(entries);
}
