import { rmSync, writeFileSync } from 'node:fs';
import { foldEntry, incidentFold } from '../../../src/context.ts';
import type { Json } from '../../../src/core/model.ts';
import { chunks, describeUrl } from '../../../src/database.ts';
import { canonicalText } from '../../../src/ledger/canonical.ts';
import { type Entry, type EntryDraft, emptyHead, entryHash, linkEntries } from '../../../src/ledger/chain.ts';
import { entryToRow } from '../../../src/ledger/entries.ts';
import { writeHead } from '../../../src/ledger/head.ts';
import { storeProjections } from '../../../src/ledger/projections.ts';
import { dropGuards, type Honest, tampering } from './honest.ts';

/** What shows an attack, the weakest first: the ledger itself, the head file beside it, or only what lies outside. */
export type Shows = 'the ledger alone' | 'head.json' | 'the head from outside' | 'nothing';

/** One way to attack a ledger. */
export interface Attack {
  name: string;
  /** What must show it at the latest. */
  shows: Shows;
  /** Attacks, at a place that chance chooses, and tells the first entry that is not what it was; null for none. */
  make(honest: Honest, chance: () => number): Promise<number | null>;
}

type Chance = () => number;

const below = (chance: Chance, end: number) => Math.floor(chance() * end);
const one = <T>(chance: Chance, of: readonly T[]): T => of[below(chance, of.length)]!;
const noise = (chance: Chance) =>
  Array.from({ length: 64 }, () => '0123456789abcdef'[below(chance, 16)]).join('');

/** A whole ledger put in place of the one that is there. */
async function replaceEntries(
  honest: Honest,
  entries: readonly Entry[],
  projections: boolean,
): Promise<void> {
  await tampering(honest.scene, async (database) => {
    await dropGuards(database);
    await database.knex('entries').delete();
    for (const chunk of chunks(entries)) await database.knex('entries').insert(chunk.map(entryToRow));
    if (!projections) return;
    await database.knex('incidents').delete();
    await database.knex('open_repairs').delete();
    await storeProjections({ database, headFile: null, fold: incidentFold }, entries.map(foldEntry));
  });
}

/** How far an attacker goes who knows the program, and can write what it writes. */
interface Disguise {
  name: string;
  shows: Shows;
  /** The incidents and open repairs are made to fit the entries. */
  projections: boolean;
  headFile: 'left' | 'made to fit' | 'removed';
}

const disguises: readonly Disguise[] = [
  { name: 'the rest as it was', shows: 'head.json', projections: false, headFile: 'left' },
  { name: 'incidents made to fit', shows: 'head.json', projections: true, headFile: 'left' },
  {
    name: 'incidents and head.json made to fit',
    shows: 'the head from outside',
    projections: true,
    headFile: 'made to fit',
  },
  {
    name: 'incidents made to fit, head.json removed',
    shows: 'the head from outside',
    projections: true,
    headFile: 'removed',
  },
];

/** Puts a ledger in place whose hashes all fit, as well disguised as that. */
async function disguised(honest: Honest, entries: readonly Entry[], disguise: Disguise): Promise<void> {
  await replaceEntries(honest, entries, disguise.projections);
  const { seq, hash } = entries.at(-1) ?? emptyHead;
  if (disguise.headFile === 'removed') rmSync(honest.headFile);
  if (disguise.headFile === 'made to fit')
    writeHead(honest.headFile, { seq, hash, count: seq, at: honest.entries[0]!.at });
}

const draftOf = ({ kind, source, key, body }: Entry): EntryDraft => ({
  ...{ kind, source, key },
  body: JSON.parse(body) as Json,
});

const forgedBody = (entry: Entry): Json => ({ ...(JSON.parse(entry.body) as object), forged: true });

/** One entry that nobody ever wrote, and that concerns no incident. */
const forgedDraft: EntryDraft = {
  kind: 'place.readable',
  source: 'scene',
  key: 'place:x',
  body: { by: 'x' },
};

/** The drafts from entry `from` on, changed at their beginning. */
function rewrites(tail: readonly Entry[], chance: Chance): EntryDraft[] {
  const drafts = tail.map(draftOf);
  const how = one(chance, tail.length > 1 ? ['change', 'delete', 'insert', 'swap'] : ['change', 'insert']);
  if (how === 'delete') return drafts.slice(1);
  if (how === 'insert') return [forgedDraft, ...drafts];
  if (how === 'swap') return [drafts[1]!, drafts[0]!, ...drafts.slice(2)];
  return [{ ...drafts[0]!, body: forgedBody(tail[0]!) }, ...drafts.slice(1)];
}

/** Linked anew one by one, each with its own time; a swap or an insertion moves them by one. */
function linkedAnew(
  before: readonly Entry[],
  drafts: readonly EntryDraft[],
  tail: readonly Entry[],
): Entry[] {
  const entries = [...before];
  for (const [at, draft] of drafts.entries()) {
    const { seq, hash } = entries.at(-1) ?? emptyHead;
    entries.push(...linkEntries({ seq, hash }, [draft], (tail[at] ?? tail.at(-1)!).at));
  }
  return entries;
}

/** Attacks whose hashes all fit, so that only what is known besides can show them. */
const fitting = disguises.flatMap((disguise): Attack[] => {
  const { name, shows } = disguise;
  return [
    {
      name: `the tail cut off; ${name}`,
      shows,
      async make(honest, chance) {
        const left = 1 + below(chance, honest.head.seq - 1);
        await disguised(honest, honest.entries.slice(0, left), disguise);
        return left + 1;
      },
    },
    {
      name: `every entry deleted; ${name}`,
      shows,
      async make(honest) {
        await disguised(honest, [], disguise);
        return 1;
      },
    },
    {
      name: `rewritten from an entry on, all hashes fitting; ${name}`,
      shows,
      async make(honest, chance) {
        const from = 1 + below(chance, honest.head.seq);
        const [before, tail] = [honest.entries.slice(0, from - 1), honest.entries.slice(from - 1)];
        await disguised(honest, linkedAnew(before, rewrites(tail, chance), tail), disguise);
        return from;
      },
    },
  ];
});

/** Another value for a column of an entry. */
const changes: readonly ((entry: Entry, chance: Chance) => Partial<Entry>)[] = [
  ({ at }) => ({ at: new Date(Date.parse(at) + 1).toISOString() }),
  ({ kind }) => ({ kind: kind === 'gap.found' ? 'gap.closed' : 'gap.found' }),
  ({ source }) => ({ source: `${source}x` }),
  ({ key }) => ({ key: `${key}x` }),
  (entry) => ({ body: canonicalText(forgedBody(entry)) }),
  ({ body }) => ({ body: body.slice(0, -1) }),
  ({ body }) => ({ body: body.replace('{', '{ ') }),
  (_, chance) => ({ prevHash: noise(chance) }),
  (_, chance) => ({ hash: noise(chance) }),
];

const middle = (honest: Honest, chance: Chance) => 1 + below(chance, honest.head.seq - 1);
const renumbered = (entries: readonly Entry[]) => entries.map((entry, at) => ({ ...entry, seq: at + 1 }));

function splice(honest: Honest, at: number, remove: number, ...put: Entry[]): Entry[] {
  return [...honest.entries].toSpliced(at - 1, remove, ...put);
}

/** Attacks by somebody who does not make all the hashes fit. */
const plain: readonly Attack[] = [
  {
    name: 'an entry changed',
    shows: 'the ledger alone',
    async make(honest, chance) {
      const seq = 1 + below(chance, honest.head.seq);
      const entry = honest.entries[seq - 1]!;
      await replaceEntries(
        honest,
        splice(honest, seq, 1, { ...entry, ...one(chance, changes)(entry, chance) }),
        false,
      );
      return seq;
    },
  },
  {
    name: 'an entry changed, its own hash made to fit',
    shows: 'the ledger alone',
    async make(honest, chance) {
      const seq = middle(honest, chance);
      const entry = honest.entries[seq - 1]!;
      const changed = { ...entry, body: canonicalText(forgedBody(entry)) };
      await replaceEntries(
        honest,
        splice(honest, seq, 1, { ...changed, hash: entryHash(changed) }),
        chance() < 0.5,
      );
      return seq;
    },
  },
  {
    name: 'an entry deleted',
    shows: 'the ledger alone',
    async make(honest, chance) {
      const seq = middle(honest, chance);
      await replaceEntries(honest, splice(honest, seq, 1), false);
      return seq;
    },
  },
  {
    name: 'an entry deleted, the others numbered anew',
    shows: 'the ledger alone',
    async make(honest, chance) {
      const seq = middle(honest, chance);
      await replaceEntries(honest, renumbered(splice(honest, seq, 1)), false);
      return seq;
    },
  },
  {
    name: 'two entries swapped',
    shows: 'the ledger alone',
    async make(honest, chance) {
      const first = middle(honest, chance);
      const second = first + 1 + below(chance, honest.head.seq - first);
      const [a, b] = [honest.entries[first - 1]!, honest.entries[second - 1]!];
      const entries = [...honest.entries];
      entries[first - 1] = { ...b, seq: a.seq };
      entries[second - 1] = { ...a, seq: b.seq };
      await replaceEntries(honest, entries, false);
      return first;
    },
  },
  {
    name: 'an entry inserted, the others numbered anew',
    shows: 'the ledger alone',
    async make(honest, chance) {
      const seq = middle(honest, chance);
      const { seq: before, hash } = honest.entries[seq - 2] ?? emptyHead;
      const [forged] = linkEntries({ seq: before, hash }, [forgedDraft], honest.entries[seq - 1]!.at);
      await replaceEntries(honest, renumbered(splice(honest, seq, 0, forged!)), false);
      return seq;
    },
  },
  {
    name: 'an entry put at the end, its hash not fitting',
    shows: 'the ledger alone',
    async make(honest, chance) {
      const [forged] = linkEntries(honest.head, [forgedDraft], honest.entries.at(-1)!.at);
      await replaceEntries(honest, [...honest.entries, { ...forged!, hash: noise(chance) }], false);
      return null;
    },
  },
  {
    name: 'an entry put at the end, all hashes and incidents fitting',
    shows: 'nothing',
    async make(honest) {
      const forged = linkEntries(honest.head, [forgedDraft], honest.entries.at(-1)!.at);
      await replaceEntries(honest, [...honest.entries, ...forged], true);
      return null;
    },
  },
];

/** The whole database, and what lies beside it. */
async function dropDatabase(honest: Honest): Promise<void> {
  const { path } = describeUrl(honest.scene.config.ledgerUrl);
  if (path !== null) for (const ending of ['', '-wal', '-shm']) rmSync(path + ending, { force: true });
  else await tampering(honest.scene, ({ knex }) => knex.raw('drop schema roundwarden cascade'));
}

const dropped: readonly Attack[] = [
  {
    name: 'the whole ledger dropped; head.json as it was',
    shows: 'the ledger alone',
    async make(honest) {
      await dropDatabase(honest);
      return 1;
    },
  },
  {
    name: 'the whole ledger dropped, head.json removed',
    shows: 'the ledger alone',
    async make(honest) {
      await dropDatabase(honest);
      rmSync(honest.headFile);
      return 1;
    },
  },
];

/** Statements on what is folded from the entries, and on what no entry vouches for. */
const statements: readonly { name: string; shows: Shows; sql: readonly string[] }[] = [
  {
    name: 'an incident changed, deleted or invented',
    shows: 'the ledger alone',
    sql: [
      'update incidents set is_open = 1 - is_open where id = (select min(id) from incidents)',
      `update incidents set state = replace(state, 'closed', 'open') where id = (select min(id) from incidents where state like '%closed%')`,
      'update incidents set last_seq = last_seq + 1 where id = (select max(id) from incidents)',
      'delete from incidents where id = (select max(id) from incidents)',
      'delete from incidents',
      `insert into incidents (source, key, id, is_open, last_seq, state) values ('scene', 'x', 999, 0, 999, '{}')`,
    ],
  },
  {
    name: 'an open repair invented',
    shows: 'the ledger alone',
    sql: [`insert into open_repairs (seq, source) values (3, 'scene')`],
  },
  {
    name: 'messages in the outbox deleted, or marked as sent',
    shows: 'nothing',
    sql: ['delete from outbox', `update outbox set state = 'sent'`],
  },
  {
    name: 'the record of runs deleted, or changed',
    shows: 'nothing',
    sql: ['delete from runs', `update runs set state = 'finished', exit_code = 0, error = null`],
  },
  {
    name: 'the alert groups deleted',
    shows: 'nothing',
    sql: ['delete from alert_groups'],
  },
  {
    name: 'the lease deleted',
    shows: 'nothing',
    sql: ['delete from leases'],
  },
  {
    name: 'the lease taken for years, by a process of another host',
    shows: 'nothing',
    sql: [
      `update leases set expires_at = '2099-01-01T00:00:00.000Z', token = 'x', fence = fence + 1,
         holder = '{"host":"elsewhere","pid":1,"runId":"x"}'`,
    ],
  },
];

const onOtherTables = statements.map(
  ({ name, shows, sql }): Attack => ({
    name,
    shows,
    async make({ scene }, chance) {
      await tampering(scene, ({ knex }) => knex.raw(one(chance, sql)));
      return null;
    },
  }),
);

const onHeadFile: readonly Attack[] = [
  {
    name: 'head.json removed, the ledger as it was',
    shows: 'nothing',
    async make({ headFile }) {
      rmSync(headFile);
      return null;
    },
  },
  {
    name: 'head.json put back to an older head of this ledger',
    shows: 'nothing',
    async make(honest, chance) {
      const { seq, hash, at } = honest.entries[middle(honest, chance) - 1]!;
      writeHead(honest.headFile, { seq, hash, count: seq, at });
      return null;
    },
  },
  {
    name: 'head.json damaged, or with a head that never was',
    shows: 'head.json',
    async make(honest, chance) {
      const seq = 1 + below(chance, honest.head.seq * 2);
      const forged = { seq, hash: noise(chance), count: seq, at: honest.entries[0]!.at };
      if (chance() < 0.5) writeHead(honest.headFile, forged);
      else writeFileSync(honest.headFile, one(chance, ['', '{}', '{"seq":1', 'null']));
      return null;
    },
  },
];

/** Every way, in the order of the table. */
export const attacks: readonly Attack[] = [...plain, ...fitting, ...dropped, ...onOtherTables, ...onHeadFile];
