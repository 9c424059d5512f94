import { createHash } from 'node:crypto';
import type { Plan } from '../jobs/planning.ts';
import type { Config } from '../src/config.ts';
import { incidentFold, withLedger, withSource } from '../src/context.ts';
import type { Incident } from '../src/core/incident.ts';
import type { Json } from '../src/core/model.ts';
import type { RowChange } from '../src/core/row-change.ts';
import { type Dialect, rows as rowsOf } from '../src/database.ts';
import { type Entry, withBody } from '../src/ledger/chain.ts';
import { eachEntry, entryToRow } from '../src/ledger/entries.ts';
import { incidentToRow } from '../src/ledger/incidents.ts';
import type { Ledger, Incident as StoredIncident } from '../src/ledger/ledger.ts';
import { ledgerSchema } from '../src/ledger/migrations.ts';
import { emptyProjections, incidentName, project } from '../src/ledger/projections.ts';
import { fromRow } from '../src/source/rows.ts';
import type { Bare, BareBatch } from './repairs-limit.ts';

const batchSize = 500;

const timing = [
  ['id', 'integer'],
  ['round_start_unix', 'bigint'],
  ['round_end_unix', 'bigint'],
  ['actual_duration_seconds', 'integer'],
  ['end_reason', 'text'],
  ['round_canonical_id', 'text'],
] as const;

function sourceRows(
  changes: readonly RowChange[],
  { dialect, at }: { dialect: Dialect; at: string },
): BareBatch['source'] {
  const inserted = (table: string) => {
    const rows = changes
      .filter((change) => change.table === table)
      .map(({ after }) => ({ ...fromRow(after!, dialect), captured_at: at }));
    const columns = Object.keys(rows[0]!);
    return { table, columns, keys: 0, write: 'insert' as const, rows: rows.map((row) => Object.values(row)) };
  };
  const columns = timing.map(([column]) => column);
  const rows = changes
    .filter(({ table }) => table === 'rounds')
    .map(({ key, after }) => columns.map((column) => key[column] ?? after![column]!));
  const types = timing.map(([, type]) => type);
  return [
    inserted('lua_round_teams'),
    inserted('lua_spawn_stats'),
    { table: 'rounds', columns, types, keys: 1, write: 'update', rows },
  ];
}

type TableName = 'entries' | 'incidents' | 'open_repairs';

/** The rows by which a ledger grows by some entries, as the product stores them. */
function ledgerRows(
  entries: readonly Entry[],
  incidents: readonly StoredIncident[],
  dialect: Dialect,
): { entries: Bare; incidents: Bare } {
  const table = (name: TableName) => tableOf(name, dialect);
  const [text, whole] = ['text', dialect === 'postgres' ? 'bigint' : 'integer'];
  const written = entries.map(entryToRow);
  return {
    entries: {
      ...{ table: table('entries'), columns: Object.keys(written[0]!), keys: 0, write: 'insert' },
      rows: written.map((row) => Object.values(row)),
    },
    incidents: {
      ...{ table: table('incidents'), keys: 2, write: 'update' },
      columns: ['source', 'key', 'is_open', 'last_seq', 'state'],
      types: [text, text, whole, whole, text],
      rows: incidents
        .map(incidentToRow)
        .map(({ source, key, is_open, last_seq, state }) => [source, key, is_open, last_seq, state]),
    },
  };
}

const tableOf = (name: TableName, dialect: Dialect) =>
  dialect === 'postgres' ? `${ledgerSchema}.${name}` : name;

/** What the product writes of repairs that begin, or end: their entries, their incidents, and which are open. */
function stepRows(entries: readonly Entry[], incidents: readonly StoredIncident[], dialect: Dialect): Bare[] {
  const { entries: added, incidents: told } = ledgerRows(entries, incidents, dialect);
  const table = tableOf('open_repairs', dialect);
  const folded = entries.map((entry) => incidentFold.repair(withBody(entry, JSON.parse(entry.body) as Json)));
  const opened = folded.flatMap(({ opens }) => opens ?? []);
  const closed = folded.flatMap(({ closes }) => closes ?? []);
  const [source] = entries.map((entry) => entry.source);
  const open: Bare[] =
    opened.length > 0
      ? [
          {
            ...{ table, columns: ['seq', 'source'], keys: 0, write: 'insert' },
            rows: opened.map((seq) => [seq, source]),
          },
        ]
      : [
          {
            ...{ table, columns: ['seq'], keys: 1, write: 'delete' },
            types: [dialect === 'postgres' ? 'bigint' : 'integer'],
            rows: closed.map((seq) => [seq]),
          },
        ];
  return [added, told, ...open];
}

/**
 * What a run of the product wrote, batch by batch, as rows for the drivers: what stands in the ledger before the source
 * is written, the rows of the source, and what stands in the ledger after that.
 */
export async function batchesOf(
  of: { dialect: Dialect; config: Config; plan: Plan; incidents: ReadonlyMap<string, Incident> },
  at: string,
): Promise<BareBatch[]> {
  const { dialect, config, plan } = of;
  const count = plan.planned.length;
  const entries: Entry[] = [];
  await withLedger(config, async (ledger) => {
    for await (const entry of eachEntry(ledger, { afterSeq: count })) entries.push(entry);
  });
  const projections = emptyProjections();
  for (const [key, state] of of.incidents) {
    const { id, source, lastSeq } = state;
    const incident = { id, source, key, isOpen: true, lastSeq, state: state as unknown as Json };
    projections.incidents.set(incidentName(source, key), incident);
  }
  const step = (some: readonly Entry[]) => {
    for (const entry of some)
      project(incidentFold, projections, withBody(entry, JSON.parse(entry.body) as Json));
    const told = some.map(({ source, key }) => projections.incidents.get(incidentName(source, key))!);
    return stepRows(some, told, dialect);
  };
  const batches: BareBatch[] = [];
  for (let from = 0; from < count; from += batchSize) {
    const groups = plan.planned.slice(from, from + batchSize);
    const [begin, middle, end] = [2 * from, 2 * from + groups.length, 2 * (from + groups.length)];
    const changes = groups.flatMap((group) => group.changes);
    batches.push({
      starts: step(entries.slice(begin, middle)),
      source: sourceRows(changes, { dialect, at }),
      ends: step(entries.slice(middle, end)),
    });
  }
  return batches;
}

const ledgerQueries = [
  'select seq, hash, prev_hash, length(body) as size from entries order by seq',
  'select source, key, id, is_open, last_seq, state from incidents order by id',
  'select seq, source from open_repairs order by seq',
];
const sourceQueries = [
  'select * from lua_round_teams order by id',
  'select * from lua_spawn_stats order by id',
  'select * from rounds order by id',
];

/** A digest of the rows that repairs left in both databases. */
export async function rowsLeft(config: Config): Promise<string> {
  const digest = createHash('sha256');
  const read = async (database: Ledger['database'], queries: readonly string[]) => {
    for (const query of queries) digest.update(JSON.stringify(await rowsOf(database, query)));
  };
  await withLedger(config, ({ database }) => read(database, ledgerQueries));
  await withSource(config, { readOnly: true }, ({ database }) => read(database, sourceQueries));
  return digest.digest('hex');
}
