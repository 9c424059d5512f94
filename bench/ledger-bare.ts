import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { foldEntry, incidentFold } from '../src/context.ts';
import type { Dialect } from '../src/database.ts';
import { type Entry, type EntryDraft, emptyHead, type Head, linkEntries } from '../src/ledger/chain.ts';
import { incidentToRow } from '../src/ledger/incidents.ts';
import type { Incident } from '../src/ledger/ledger.ts';
import { emptyProjections, project } from '../src/ledger/projections.ts';
import { type BatchRows, openLimit } from './ledger-limit.ts';
import { storyAt, storyBatches, storySource } from './ledger-story.ts';
import { timed } from './measure.ts';

const documentOf = ({ seq, at, kind, source, key, body, prevHash }: Entry) =>
  `${prevHash}{"at":"${at}","body":${body},"key":"${key}","kind":"${kind}","seq":${seq},"source":"${source}"}`;

/** What batches come to, known beforehand: the limit is given it. Keeps what is folded for 21 nights. */
function rowsOfBatches() {
  let head: Head = emptyHead;
  const projections = emptyProjections();
  return (drafts: readonly EntryDraft[]): BatchRows => {
    const entries = linkEntries(head, drafts, storyAt);
    head = entries.at(-1)!;
    const changed = new Map<number, Incident>();
    const closed: number[] = [];
    const before = new Set(projections.openRepairs.keys());
    for (const entry of entries) {
      const folded = foldEntry(entry);
      for (const incident of project(incidentFold, projections, folded)) changed.set(incident.id, incident);
      closed.push(...[incidentFold.repair(folded).closes ?? []].flat());
    }
    const incidents = [...changed.values()].map((incident) => Object.values(incidentToRow(incident)));
    for (const [name, { id }] of projections.incidents) {
      if (id > head.seq - 40_000) break;
      projections.incidents.delete(name);
    }
    return {
      entries: entries.map(({ seq, kind, source, key, body, prevHash, hash }) => [
        seq,
        storyAt,
        kind,
        source,
        key,
        body,
        prevHash,
        hash,
      ]),
      incidents,
      opened: [...projections.openRepairs.keys()]
        .filter((seq) => !before.has(seq))
        .map((seq) => [seq, storySource]),
      closed,
      documents: entries.map(documentOf),
    };
  };
}

/** What is done next: the next batch of the story is appended, or all is read. */
type Errand = 'append' | 'read';

/**
 * Does bare work on the database of a ledger in a process of its own: what batches come to is worked out there, and would weigh
 * on the memory in which the product is measured.
 */
export interface BareLedger {
  /** Milliseconds of the work alone. */
  does(errand: Errand): Promise<number>;
  close(): Promise<unknown>;
}

export async function bareLedger(dialect: Dialect, url: string): Promise<BareLedger> {
  const child = fork(fileURLToPath(import.meta.url), [dialect, url]);
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the bare work on a ledger failed')));
  ended.catch(() => undefined);
  const answer = async () => (await Promise.race([once(child, 'message'), ended]))[0] as number;
  await answer();
  return {
    does(errand) {
      const done = answer();
      child.send(errand);
      return done;
    },
    async close() {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

/** The other end. */
async function serve(): Promise<void> {
  const [dialect, url] = process.argv.slice(2) as [Dialect, string];
  const limit = await openLimit(dialect, url);
  const rowsOf = rowsOfBatches();
  const batches = storyBatches();
  const errands: Record<Errand, () => Promise<number>> = {
    append: async () => {
      const rows = rowsOf(batches.next().value as EntryDraft[]);
      return await timed(() => limit.append(rows));
    },
    read: () => timed(() => limit.readAll()),
  };
  process.on('message', async (errand: Errand) => void process.send!(await errands[errand]()));
  process.on('disconnect', () => void limit.close());
  process.send!(0);
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send !== undefined) await serve();
