import type { FoldEntry } from '../core/incident.ts';
import type { Json } from '../core/model.ts';
import type { Database } from '../database.ts';
import type { Members } from './members.ts';

/** The rule by which entries become incidents and open repairs. Pure; given from outside. */
export interface Fold {
  /** The keys of the incidents (of the entry's source) that the entry belongs to. */
  affects(entry: FoldEntry): readonly string[];
  /** The incident `key` after the entry; `state` is null before its first one. */
  apply(state: Json | null, entry: FoldEntry, key: string): { state: Json; isOpen: boolean };
  /** The `repair.started` entry (its seq) that the entry opens or closes. */
  repair(entry: FoldEntry): { opens?: number; closes?: number };
  /** What it does with the members of bodies of a kind; null, or nothing at all, where it may do anything. */
  members?(kind: string): Members | null;
}

/** Which acquisition of which lease a run works under. Whoever takes over gets a higher number. */
export interface Fence {
  name: string;
  number: number;
  /** No other acquisition has it, not even one of the same number in another copy of the ledger. */
  token: string;
}

/** An open ledger. `headFile` is null where no head is kept beside it. */
export interface Ledger {
  database: Database;
  headFile: string | null;
  fold: Fold;
  /** Of a run. People's decisions need no lease, and have none. */
  fence?: Fence;
}

/** One gap's story, folded from its entries. */
export interface Incident {
  /** The seq of its first entry. */
  id: number;
  source: string;
  key: string;
  isOpen: boolean;
  /** The seq of its latest entry. */
  lastSeq: number;
  state: Json;
}
