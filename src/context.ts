import { join } from 'node:path';
import type { Config } from './config.ts';
import { affectedIncidents, foldedMembers, foldIncident, repairStep } from './core/fold.ts';
import { type FoldEntry, type Incident, isOpenIncident } from './core/incident.ts';
import type { Json } from './core/model.ts';
import { closeDatabase, type Database, openDatabase } from './database.ts';
import { type Entry, withBody } from './ledger/chain.ts';
import type { Fold, Ledger } from './ledger/ledger.ts';
import { closeLedger, openLedger } from './ledger/open.ts';
import { inspectSource, type SourceSchema } from './source/schema.ts';

/** An entry of the ledger with its body as a value. */
export const foldEntry = (entry: Entry): FoldEntry => withBody(entry, JSON.parse(entry.body) as Json);

/** The rules of `core/incident.ts`, as the ledger applies them to its entries. */
export const incidentFold: Fold = {
  affects: affectedIncidents,
  apply(state, entry, key) {
    const incident = foldIncident(state as unknown as Incident | null, entry, key);
    return { state: incident as unknown as Json, isOpen: isOpenIncident(incident) };
  },
  repair: repairStep,
  members: foldedMembers,
};

/** The audited database, with what it has. */
export interface Source {
  database: Database;
  schema: SourceSchema;
  /** `SOURCE_NAME`: stands in every entry. */
  name: string;
}

interface SourceOptions {
  /** As the role that may undo. Default false. */
  revert?: boolean;
  readOnly?: boolean;
}

async function openSource(config: Config, { revert, readOnly }: SourceOptions): Promise<Source> {
  const database = await openDatabase(revert ? config.sourceRevertUrl : config.sourceUrl, { readOnly });
  try {
    return { database, schema: await inspectSource(database), name: config.sourceName };
  } catch (thrown) {
    await closeDatabase(database);
    throw thrown;
  }
}

/** Hands the source to `work` as soon as it is open, once; throws what kept it from opening, and what `work` throws. */
export type UseSource = <T>(work: (source: Source) => Promise<T>) => Promise<T>;

/**
 * Opens the source while `job` does something else first, such as opening the ledger: a server takes its time to let
 * somebody in and out, and two servers can take it at once. It is closed whatever `job` does, from when `use` is over.
 */
export async function withSourceBeside<T>(
  config: Config,
  options: SourceOptions,
  job: (use: UseSource) => Promise<T>,
): Promise<T> {
  const opening = openSource(config, options);
  const opened = opening.catch(() => null);
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= opened.then((source) => (source === null ? undefined : closeDatabase(source.database)));
    return closing;
  };
  try {
    return await job(async (work) => {
      try {
        return await work(await opening);
      } finally {
        close().catch(() => undefined);
      }
    });
  } finally {
    await close();
  }
}

/** Opens the source, looks at it, and closes it whatever `work` does. */
export async function withSource<T>(
  config: Config,
  options: SourceOptions,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  return withSourceBeside(config, options, (use) => use(work));
}

/**
 * Opens the ledger, creating it where there is none, and closes it whatever `work` does. One that was there and is
 * gone is made anew only with `acceptsLoss`.
 */
export async function withLedger<T>(
  config: Config,
  work: (ledger: Ledger) => Promise<T>,
  { acceptsLoss = false }: { acceptsLoss?: boolean } = {},
): Promise<T> {
  const { ledgerUrl: url, ledgerSchema: schema, dataDir } = config;
  const ledger = await openLedger({ url, schema, dataDir, fold: incidentFold, acceptsLoss });
  try {
    return await work(ledger);
  } finally {
    await closeLedger(ledger);
  }
}

/** Opens the ledger for reading only; null where there is none yet, and none is made. */
export async function withLedgerToRead<T>(
  config: Config,
  work: (ledger: Ledger | null) => Promise<T>,
): Promise<T> {
  const ledger = await openLedger({
    url: config.ledgerUrl,
    schema: config.ledgerSchema,
    dataDir: config.dataDir,
    fold: incidentFold,
    readOnly: true,
  });
  try {
    return await work(ledger);
  } finally {
    if (ledger !== null) await closeLedger(ledger);
  }
}

/** Where copies of artifacts are kept, by SHA-256. */
export function keptArtifacts(config: Config): string {
  return join(config.dataDir, 'artifacts');
}

/** The lists by which copies of files of other hosts are found again. */
export function placeLists(config: Config): string {
  return join(config.dataDir, 'places');
}

/** Where triage packets are. */
export function packetsDirectory(config: Config): string {
  return join(config.dataDir, 'packets');
}
