import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Json } from '../../src/core/model.ts';
import { append } from '../../src/ledger/append.ts';
import type { Entry, EntryDraft } from '../../src/ledger/chain.ts';
import type { Fold, Ledger } from '../../src/ledger/ledger.ts';
import { closeLedger, openLedger } from '../../src/ledger/open.ts';
import { type DatabaseKind, openTestDatabase } from '../databases.ts';

export const at = '2026-02-14T20:00:00.000Z';

/** A small rule: an incident lists the kinds of its entries, and is open until one of kind `closed`. */
export const testFold: Fold = {
  affects: (entry) => (entry.key === '' ? [] : entry.key.split('+')),
  apply: (state, entry) => ({
    state: { kinds: [...((state as { kinds: string[] } | null)?.kinds ?? []), entry.kind] },
    isOpen: entry.kind !== 'closed',
  }),
  repair(entry) {
    if (entry.kind === 'repair.started') return { opens: entry.seq };
    return entry.kind === 'repair.done' ? { closes: (entry.body as { started: number }).started } : {};
  },
};

export function draft(kind: string, key: string, body: Json = {}): EntryDraft {
  return { kind, source: 'stats', key, body };
}

export interface Place {
  url: string;
  dataDir: string;
}

/** A fresh database and data directory that go when the test ends. */
export async function freshPlace(t: TestContext, kind: DatabaseKind): Promise<Place> {
  const database = await openTestDatabase(kind);
  const dataDir = mkdtempSync(join(tmpdir(), 'roundwarden-data-'));
  t.after(async () => {
    await database.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return { url: database.url, dataDir };
}

/** An empty ledger in a fresh place; closed and dropped when the test ends. */
export async function freshLedger(
  t: TestContext,
  kind: DatabaseKind,
): Promise<{ ledger: Ledger; place: Place }> {
  const place = await freshPlaceClosing(t, kind);
  const ledger = await openLedger({ ...place, fold: testFold });
  place.closing.push(() => closeLedger(ledger));
  return { ledger, place };
}

/** Test hooks run in the order of their registration, and a ledger must be closed before its database goes. */
async function freshPlaceClosing(t: TestContext, kind: DatabaseKind) {
  const closing: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const close of closing) await close();
  });
  return { ...(await freshPlace(t, kind)), closing };
}

/** Ten entries: two incidents, one of them closed; one repair done and one left open. */
export async function fill(ledger: Ledger): Promise<Entry[]> {
  const first = await append(
    ledger,
    [
      draft('found', 'goldrush'),
      draft('found', 'adlernest', { note: 'ä' }),
      draft('repair.started', 'goldrush'),
      draft('repair.done', 'goldrush', { started: 3 }),
      draft('closed', 'goldrush'),
    ],
    at,
  );
  const second = await append(
    ledger,
    [
      draft('repair.started', 'adlernest'),
      draft('note', 'adlernest', { text: 'one' }),
      draft('note', 'adlernest', { text: 'two' }),
      draft('note', 'adlernest', { text: 'three' }),
      draft('run', ''),
    ],
    at,
  );
  return [...first, ...second];
}

const program = fileURLToPath(new URL('./child.ts', import.meta.url));

/** Runs test/ledger/child.ts as a process of its own; resolves to what it printed. */
export async function child(task: string, place: Place, argument = ''): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', program, task, place.url, place.dataDir, argument],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)) },
  );
  return stdout.trim();
}
