/** What several sentences say alike, and what each says alone. */
export interface InCommon {
  /** Null where they do not even begin alike: then each stands whole among the others. */
  shared: string | null;
  /** In the order of the sentences; empty where one says nothing of its own. */
  own: string[];
}

/** The clauses of a sentence, each with the mark that ends it: `nothing fits; 812 min old, 24 h to go` has three. */
const clausesOf = (sentence: string) => sentence.split(/(?<=[;,]) /);
const bare = (clause: string) => clause.replace(/[;,]$/, '');
const joined = (clauses: readonly string[]) => bare(clauses.join(' '));

/**
 * Parts sentences, at least one, into the clauses that all of them have and those that only some have. A sentence
 * begins with what it is about, so those that begin differently have nothing in common.
 */
export function inCommon(sentences: readonly string[]): InCommon {
  const [first, ...others] = sentences.map(clausesOf);
  const sets = others.map((clauses) => new Set(clauses.map(bare)));
  const isShared = (clause: string) => sets.every((set) => set.has(bare(clause)));
  const begins = others.every((clauses) => bare(clauses[0]!) === bare(first![0]!));
  if (!begins) return { shared: null, own: [...sentences] };
  const kept = first!.filter(isShared);
  const all = new Set(kept.map(bare));
  const ownOf = (clauses: readonly string[]) =>
    joined(clauses.filter((clause) => !all.has(bare(clause)))).replace(/^and /, '');
  return { shared: joined(kept), own: [first!, ...others].map(ownOf) };
}
