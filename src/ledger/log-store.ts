import { z } from 'zod';
import { botKinds, consoleKinds, type LogEvent, type RememberedFile } from '../core/log-event.ts';
import type { Json } from '../core/model.ts';
import { type Database, transact } from '../database.ts';
import { inserting, type Target, writeRows } from './table-writes.ts';

const fileRow = z.object({
  lineage: z.string(),
  log: z.enum(['bot', 'console']),
  path: z.string(),
  inode: z.string(),
  size: z.int(),
  position: z.int(),
  lines: z.int(),
  tail_length: z.int(),
  tail_hash: z.string(),
  state: z.string().transform((text) => JSON.parse(text) as Json),
});

function fileFromRow(row: unknown): RememberedFile {
  const { tail_length: tailLength, tail_hash: tailHash, ...rest } = fileRow.parse(row);
  return { ...rest, tailLength, tailHash };
}

function fileToRow(file: RememberedFile) {
  const { tailLength, tailHash, state, ...rest } = file;
  return { ...rest, tail_length: tailLength, tail_hash: tailHash, state: JSON.stringify(state) };
}

const eventRow = z.object({
  lineage: z.string(),
  line: z.int(),
  log: z.enum(['bot', 'console']),
  kind: z.enum([...botKinds, ...consoleKinds]),
  file: z.string(),
  at: z.string().nullable(),
  end_unix: z.int().nullable(),
  map: z.string().nullable(),
  number: z.literal([1, 2]).nullable(),
  subject: z.string().nullable(),
  text: z.string(),
});

/** Where lines are stored; one that is there stays as it is. */
const eventTarget: Target = {
  table: 'log_events',
  columns: [...Object.keys(eventRow.shape), 'source'],
  conflict: 'on conflict (lineage, line) do nothing',
};

function eventFromRow(row: unknown): LogEvent {
  const { line, file, text, end_unix: endUnix, ...rest } = eventRow.parse(row);
  return { ...rest, endUnix, quote: { file, line, text } };
}

function eventToRow(event: LogEvent, source: string) {
  const { lineage, log, kind, at, endUnix, map, number, subject, quote } = event;
  const { file, line, text } = quote;
  return { lineage, line, source, log, kind, file, at, end_unix: endUnix, map, number, subject, text };
}

/** Every file of both logs that was ever read of a source: two may share a ledger, and their hosts the paths of their logs. */
export async function storedFiles(database: Database, source: string): Promise<RememberedFile[]> {
  const rows = await database.knex('log_files').select(Object.keys(fileRow.shape)).where({ source });
  return rows.map(fileFromRow);
}

/** Stores lines that matter, and how far their file was read, together: a crash repeats nothing and loses nothing. */
export async function saveLogChunk(
  database: Database,
  of: { file: RememberedFile; events: readonly LogEvent[] },
  from: { source: string; readAt: string },
): Promise<void> {
  await transact(database, async (inside) => {
    const rowOf = (event: LogEvent) => eventToRow(event, from.source);
    await writeRows(inside, inserting(eventTarget, { items: of.events, rowOf }));
    const row = { ...fileToRow(of.file), source: from.source, read_at: from.readAt };
    await inside.knex('log_files').insert(row).onConflict('lineage').merge();
  });
}

/** A window of lines: of the bot's log by the local text of its host, of the console by the round's end. */
export type LogWindow =
  | { log: 'bot'; fromText: string; toText: string }
  | { log: 'console'; fromUnix: number; toUnix: number };

const pageSize = 5_000;

function inWindow(database: Database, source: string, window: LogWindow) {
  const { log } = window;
  const query = database.knex('log_events').select(Object.keys(eventRow.shape)).where({ source, log });
  return window.log === 'bot'
    ? query.where('at', '>=', window.fromText).where('at', '<=', window.toText)
    : query.where('end_unix', '>=', window.fromUnix).where('end_unix', '<=', window.toUnix);
}

/** The stored lines of a window, in the order of their files and lines. */
export async function storedEvents(
  database: Database,
  source: string,
  window: LogWindow,
): Promise<LogEvent[]> {
  const found: LogEvent[] = [];
  for (let after: LogEvent | undefined; ; ) {
    const last = after;
    const query = inWindow(database, source, window);
    if (last !== undefined)
      query.where((either) => {
        either.where('lineage', '>', last.lineage);
        either.orWhere(
          (same) => void same.where('lineage', last.lineage).where('line', '>', last.quote.line),
        );
      });
    const page = await query.orderBy(['lineage', 'line']).limit(pageSize);
    found.push(...page.map(eventFromRow));
    if (page.length < pageSize) return found;
    after = found.at(-1);
  }
}
