import type { FoldEntry } from '../core/incident.ts';
import type { Database } from '../database.ts';
import type { ThreadReader } from '../database-thread.ts';
import { messageOf } from '../errors.ts';
import { checkPlace, emptyHead, type Head, joined } from './chain.ts';
import { head } from './entries.ts';
import { compareHead, headProblem } from './head.ts';
import type { AskedMembers, InspectedRow } from './inspect.ts';
import { eachInspectedPage, type Helped, snapshotToInspect } from './inspect-thread.ts';
import type { Ledger } from './ledger.ts';
import { bodyAsked } from './members.ts';
import { emptyProjections, project } from './projections.ts';
import {
  compareProjections,
  expectIncidents,
  fitsAll,
  freshWatch,
  watchEntry,
} from './verify-projections.ts';

/** Something that is not as it was written. `seq` is null where it is not about one entry. */
export interface Problem {
  seq: number | null;
  what: string;
}

/** An anchor, a head that was seen outside the ledger, and whether the ledger still contains it. */
export interface AnchorCheck {
  seq: number;
  ok: boolean;
  why: string | null;
}

export interface Verification {
  /** How many entries were read. */
  count: number;
  head: Head;
  /** The first 1,000, and a last one that says how many more there are. */
  problems: Problem[];
  anchors: AnchorCheck[];
  /** The last entry up to which the chain is whole and an anchor vouches for it, or null. */
  anchoredThrough: number | null;
}

interface Walk {
  count: number;
  head: Head;
  /** The last entry before the first problem. */
  wholeThrough: number;
  problems: Problem[];
}

/** What is done with the entries that are as they were written, in their order. */
interface Folding {
  /** The members that are folded of the bodies of a kind. Default: all. */
  members?: AskedMembers;
  /** Before a page of entries with a seq up to this one. */
  before?(upTo: number): Promise<void>;
  /** Throws where the entry cannot be folded. */
  fold(entry: FoldEntry): void;
  each?: (hash: string) => void;
  /** Who inspects the entries, where that is another thread. */
  thread?: ThreadReader;
}

/**
 * Reads and re-hashes the whole chain as it is at one moment, page by page, and compares it with the head file,
 * the anchors and the stored incidents and open repairs. Memory does not grow with the entries: at one time it holds
 * the incidents whose story is under way (`Watch`), and all of them only where what is stored differs from its entries.
 * Whatever the rows hold becomes a problem; it throws only where the database cannot be read. `each` is given the
 * hash in every row, in their order. A long ledger on SQLite is read and inspected in a thread of its own.
 */
export async function verifyChain(
  ledger: Ledger,
  options: { anchors?: readonly Head[]; each?: (hash: string) => void; helped?: Helped } = {},
): Promise<Verification> {
  // Before the snapshot: an entry is committed before it gets into the file.
  const headFile = await checkHeadFile(ledger);
  const { anchors: given = [], each, helped } = options;
  const { seq: entries } = await head(ledger);
  const work = async (database: Database, thread?: ThreadReader) => {
    const inside = { ...ledger, database };
    const { walk, projections } = await walkAll(inside, { thread, each });
    const anchors = [];
    for (const anchor of given) anchors.push(await checkAnchor(database, anchor, walk));
    const vouched = anchors.filter(({ ok, seq }) => ok && seq <= walk.wholeThrough).map(({ seq }) => seq);
    return {
      count: walk.count,
      head: walk.head,
      problems: shortened([...walk.problems, ...headFile, ...projections]),
      anchors,
      anchoredThrough: vouched.length === 0 ? null : Math.max(...vouched),
    };
  };
  return await snapshotToInspect(ledger.database, work, { entries, helped });
}

async function checkHeadFile(ledger: Ledger): Promise<Problem[]> {
  try {
    const comparison = await compareHead(ledger);
    const what = headProblem(comparison);
    return what === null ? [] : [{ seq: comparison.file!.seq, what }];
  } catch (thrown) {
    return [{ seq: null, what: messageOf(thrown) }];
  }
}

/** The chain, and how the projections differ from it: told by a second walk, where the first one finds that they do. */
async function walkAll(ledger: Ledger, { thread, each }: Pick<Folding, 'thread' | 'each'>) {
  const watch = freshWatch(ledger);
  const walk = await walkChain(ledger, {
    members: ledger.fold.members,
    before: (upTo) => expectIncidents(watch, upTo),
    fold: (entry) => watchEntry(ledger, watch, entry),
    ...{ thread, each },
  });
  if (await fitsAll(ledger, watch)) return { walk, projections: [] };
  const fresh = emptyProjections();
  const again = await walkChain(ledger, {
    fold: (entry) => void project(ledger.fold, fresh, entry),
    thread,
  });
  return { walk: again, projections: await compareProjections(ledger, fresh) };
}

async function walkChain(ledger: Ledger, folding: Folding): Promise<Walk> {
  const walk: Walk = { count: 0, head: emptyHead, wholeThrough: 0, problems: [] };
  const { members = () => null, thread } = folding;
  for await (const page of eachInspectedPage(ledger.database, members, thread)) {
    await folding.before?.(Number(page.at(-1)!.seq));
    for (const row of page) {
      step(walk, row, folding);
      folding.each?.(walk.head.hash);
    }
  }
  const { total } = (await ledger.database.knex('entries').count({ total: '*' }).first()) as {
    total: number;
  };
  if (total !== walk.count)
    walk.problems.push({ seq: null, what: `${total - walk.count} entries have no number of their own` });
  return walk;
}

function step(walk: Walk, row: InspectedRow, folding: Folding): void {
  const seq = Number(row.seq);
  const what = checkRow(walk.head, row, folding);
  walk.count += 1;
  walk.head = { seq, hash: String(row.hash) };
  if (what !== null) walk.problems.push({ seq, what });
  else if (walk.problems.length === 0) walk.wholeThrough = seq;
}

/** Folds the entry where its link is whole; says what is wrong, also where its body is not what the fold expects. */
function checkRow(previous: Head, { entry, content }: InspectedRow, folding: Folding): string | null {
  const place = entry === null ? null : checkPlace(previous, entry);
  if (entry === null || place !== null || content.what !== null) return joined(place, content.what);
  const { seq, at, kind, source, key } = entry;
  try {
    folding.fold({ seq, at, kind, source, key, body: bodyAsked(content.asked) });
    return null;
  } catch (thrown) {
    return `entry ${seq} cannot be folded: ${messageOf(thrown)}`;
  }
}

async function checkAnchor(database: Database, anchor: Head, walk: Walk): Promise<AnchorCheck> {
  const { seq } = anchor;
  const row = await database.knex('entries').select('hash').where({ seq }).first();
  if (row?.hash === anchor.hash) return { seq, ok: true, why: null };
  const why = row
    ? `the hash of entry ${seq} was ${anchor.hash} and is ${row.hash}: the ledger was rewritten`
    : `entry ${seq} is gone: the ledger ends at entry ${walk.head.seq}`;
  return { seq, ok: false, why };
}

function shortened(problems: Problem[]): Problem[] {
  const most = 1000;
  if (problems.length <= most) return problems;
  return [...problems.slice(0, most), { seq: null, what: `${problems.length - most} more problems` }];
}
