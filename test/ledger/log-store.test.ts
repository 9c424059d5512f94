import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogEvent, RememberedFile } from '../../src/core/log-event.ts';
import { saveLogChunk, storedEvents, storedFiles } from '../../src/ledger/log-store.ts';
import { forEachDatabase } from '../databases.ts';
import { at, freshLedger } from './ledgers.ts';

const file = (fields: Partial<RememberedFile> = {}): RememberedFile => ({
  lineage: 'one',
  log: 'bot',
  path: '/var/log/webhook.log',
  inode: '18446744073709551615',
  size: 5_000_000_000,
  position: 4_999_999_999,
  lines: 2_147_483_648,
  tailLength: 1_024,
  tailHash: 'ab'.repeat(32),
  state: { failedAt: null, continued: 0 },
  ...fields,
});

const event = (line: number, fields: Partial<LogEvent> = {}): LogEvent => ({
  log: 'bot',
  kind: 'stored',
  lineage: 'one',
  at: '2026-02-16 21:24:31',
  endUnix: null,
  map: 'te_valhalla b2.1',
  number: 2,
  subject: '2026-02-16-212431',
  quote: { file: '/var/log/webhook.log', line, text: '💾 Stored “ä” 🎮' },
  ...fields,
});

const console = (line: number, endUnix: number | null): LogEvent =>
  event(line, { log: 'console', kind: 'ended', at: null, number: null, subject: null, endUnix });

const always = { log: 'bot', fromText: '0000', toText: '9999' } as const;

forEachDatabase('The store of the logs', (kind) => {
  test('gives back files and lines as they were, large numbers too', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await saveLogChunk(
      database,
      { file: file(), events: [event(2_147_483_648)] },
      { source: 'test', readAt: at },
    );
    assert.deepEqual(await storedFiles(database, 'test'), [file()]);
    assert.deepEqual(await storedFiles(database, 'nobody'), []);
    assert.deepEqual(await storedEvents(database, 'test', always), [event(2_147_483_648)]);
  });

  test('keeps a line once, as it was stored first, and the place as it was stored last', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await saveLogChunk(database, { file: file(), events: [event(1)] }, { source: 'test', readAt: at });
    const again = [event(1, { kind: 'received' }), event(2)];
    const later = file({
      path: '/var/log/webhook.log.1',
      position: 7,
      state: { failedAt: 'x', continued: 3 },
    });
    await saveLogChunk(database, { file: later, events: again }, { source: 'test', readAt: at });
    assert.deepEqual(await storedFiles(database, 'test'), [later]);
    assert.deepEqual(await storedEvents(database, 'test', always), [event(1), event(2)]);
  });

  test('keeps the logs of two sources apart', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    for (const source of ['test', 'other']) {
      const chunk = { file: file({ lineage: source }), events: [event(1, { lineage: source })] };
      await saveLogChunk(database, chunk, { source, readAt: at });
    }
    assert.deepEqual(await storedFiles(database, 'other'), [file({ lineage: 'other' })]);
    assert.deepEqual(await storedEvents(database, 'other', always), [event(1, { lineage: 'other' })]);
  });

  test('stores the place without lines, too', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await saveLogChunk(database, { file: file(), events: [] }, { source: 'test', readAt: at });
    assert.equal((await storedFiles(database, 'test')).length, 1);
  });

  test('stores neither lines nor place where one of them cannot be stored', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await saveLogChunk(database, { file: file(), events: [event(1)] }, { source: 'test', readAt: at });
    const broken = event(700, { kind: null as never });
    const events = [...Array.from({ length: 600 }, (_, index) => event(index + 2)), broken];
    await assert.rejects(
      saveLogChunk(database, { file: file({ position: 9 }), events }, { source: 'test', readAt: at }),
    );
    assert.deepEqual(await storedFiles(database, 'test'), [file()]);
    assert.deepEqual(await storedEvents(database, 'test', always), [event(1)]);
  });

  test('gives the lines of a window, both ends included, and of no other log', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const times = [
      '2026-02-16 21:00:00',
      '2026-02-16 21:00:01',
      '2026-02-16 22:00:00',
      '2026-02-16 22:00:01',
    ];
    const ofBot = times.map((time, index) => event(index + 1, { at: time }));
    await saveLogChunk(database, { file: file(), events: ofBot }, { source: 'test', readAt: at });
    const ends = [1_771_448_178, 1_771_448_179, 1_771_448_200, 1_771_448_201, null];
    const ofConsole = ends.map((end, index) => ({ ...console(index + 1, end), lineage: 'two' }));
    const two = file({ log: 'console', lineage: 'two' });
    await saveLogChunk(database, { file: two, events: ofConsole }, { source: 'test', readAt: at });
    const bot = { log: 'bot', fromText: times[1]!, toText: times[2]! } as const;
    assert.deepEqual(await storedEvents(database, 'test', bot), ofBot.slice(1, 3));
    const unix = { log: 'console', fromUnix: ends[1]!, toUnix: ends[2]! } as const;
    assert.deepEqual(await storedEvents(database, 'test', unix), ofConsole.slice(1, 3));
    const none = { log: 'bot', fromText: '2027', toText: '2028' } as const;
    assert.deepEqual(await storedEvents(database, 'test', none), []);
  });

  test('gives every line once and in order where there are more than a page, in several files', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    for (const lineage of ['b', 'a', 'c']) {
      const events = Array.from({ length: 4_000 }, (_, index) => event(4_000 - index, { lineage }));
      await saveLogChunk(database, { file: file({ lineage }), events }, { source: 'test', readAt: at });
    }
    const found = await storedEvents(database, 'test', always);
    const expected = ['a', 'b', 'c'].flatMap((lineage) =>
      Array.from({ length: 4_000 }, (_, index) => `${lineage}:${index + 1}`),
    );
    assert.deepEqual(
      found.map(({ lineage, quote }) => `${lineage}:${quote.line}`),
      expected,
    );
  });
});
