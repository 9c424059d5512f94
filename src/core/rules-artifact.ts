import {
  artifactFits,
  type Chosen,
  pairedArtifact,
  resolvedArtifact,
  seenArtifact,
  unusableFits,
} from './candidates.ts';
import type { UsableArtifact } from './doubles.ts';
import { type Rule, uncertain, wantFor } from './rule.ts';

/** True where the file that counts has a twin with the same end that says something else. */
function doublesDiffer({ group, member }: Chosen<UsableArtifact>): boolean {
  const text = ({ content }: UsableArtifact, bare: boolean) =>
    JSON.stringify(bare ? { ...content, spawns: [] } : content);
  return group.members.some((other) => {
    // A bare message has no spawn list, and says nothing against one.
    const bare = member.bare === true || other.bare === true;
    return (
      other.content.timing.endUnix === member.content.timing.endUnix &&
      text(other, bare) !== text(member, bare)
    );
  });
}

/** Ambiguous or recoverable, by the artifacts that are whole and sane. */
export const byArtifact: Rule = (of) => {
  const { situation, round } = of;
  const fits = artifactFits(situation, round.id);
  if (fits.length === 0) return null;
  const byPerson = resolvedArtifact(situation, round);
  const chosen = byPerson ?? pairedArtifact(situation, round.id);
  if (chosen === null) return uncertain(fits, 'artifact');
  const candidate = seenArtifact(chosen);
  if (byPerson === null && doublesDiffer(chosen))
    return {
      verdict: 'ambiguous',
      reason: 'doubles_differ',
      because: `several artifacts with the same start and end say different things: ${chosen.group.members.map((m) => m.path).join(', ')}`,
      candidate,
    };
  return {
    verdict: 'recoverable',
    reason: 'artifact',
    because: `${chosen.member.path} is whole${chosen.member.bare ? ' (a bare message: no spawn rows)' : ''}, sane and fits it alone, ${chosen.fit.deltaSeconds} s before the file`,
    candidate,
    want: { kind: 'backfill', artifact: chosen.member, ...wantFor(of, chosen.fit.deltaSeconds) },
  };
};

/** Damaged: something fits, but may not be written. */
export const damaged: Rule = ({ situation, round }) => {
  const [entry] = unusableFits(situation, round.id).filter(({ state }) => state === 'damaged');
  if (entry === undefined) return null;
  const { path, sha256 } = entry.artifact;
  return {
    verdict: 'damaged',
    reason: 'not_whole',
    because: `${path}: ${entry.why}`,
    candidate: {
      kind: 'artifact',
      captureId: null,
      path,
      sha256,
      deltaSeconds: entry.deltaSeconds,
      note: entry.why,
    },
  };
};

/** Unchecked: what could hold its artifact could not be read, so it is never called lost (DESIGN, rule 3). */
export const unchecked: Rule = ({ situation, round }) => {
  const file = unusableFits(situation, round.id).find(({ state }) => state === 'unreadable');
  if (file !== undefined)
    return {
      verdict: 'unchecked',
      reason: 'artifact_unreadable',
      because: `${file.artifact.path}: ${file.why}`,
    };
  const closed = situation.facts.places.filter((place) => place.unreadable !== null);
  if (closed.length === 0) return null;
  const names = closed.map((place) => `${place.name} (${place.unreadable})`).join(', ');
  return { verdict: 'unchecked', reason: 'place_unreadable', because: `could not read ${names}` };
};
