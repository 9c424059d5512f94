import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { gatherEvents, type InstantWindow, ingestLogs } from '../../jobs/log-evidence.ts';
import { noProgress } from '../../jobs/progress.ts';
import type { Config } from '../../src/config.ts';
import { withLedger } from '../../src/context.ts';
import type { LogEvent } from '../../src/core/log-event.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { forEachDatabase } from '../databases.ts';
import { inWorld } from './setup.ts';

const readAt = '2026-02-17T00:00:00.000Z';
const everything: readonly InstantWindow[] = [
  { fromUnix: Number.MIN_SAFE_INTEGER, toUnix: Number.MAX_SAFE_INTEGER },
];
const consoleSample = fileURLToPath(new URL('../fixtures/consoles/1.6.0/normal.log', import.meta.url));

const botLine = (at: string, n: number) =>
  `${at} | INFO     | bot.webhook               | 📥 Webhook trigger validated: 2026-02-16-210000-map${n}-round-1.txt\n`;

interface Reading {
  config: Config;
  ledger: Ledger;
  bot: string;
  console: string;
  ingest(): ReturnType<typeof ingestLogs>;
  gather(fresh: boolean, windows?: readonly InstantWindow[]): ReturnType<typeof gatherEvents>;
}

const once = (events: readonly LogEvent[]) =>
  new Set(events.map(({ lineage, quote }) => `${lineage}:${quote.line}`)).size;
const subjects = (events: readonly LogEvent[]) =>
  events
    .filter(({ log }) => log === 'bot')
    .map(({ subject }) => Number(/map(\d+)/.exec(subject!)![1]))
    .sort((a, b) => a - b);
const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

forEachDatabase('The evidence of the logs', (kind) => {
  /** An empty ledger, and two logs that are not there yet. */
  const withLogs = (work: (reading: Reading) => Promise<void>) =>
    inWorld(kind, {}, async (world) => {
      const folder = mkdtempSync(join(tmpdir(), 'roundwarden-evidence-'));
      const [bot, console] = [join(folder, 'webhook.log'), join(folder, 'etconsole.log')];
      const config = world.config({ WEBHOOK_LOG: bot, CONSOLE_LOG: console });
      try {
        await withLedger(config, (ledger) =>
          work({
            config,
            ledger,
            bot,
            console,
            ingest: () => ingestLogs(config, ledger, { readAt, progress: noProgress }),
            gather: (fresh, windows = everything) => gatherEvents(config, ledger, { windows, fresh }),
          }),
        );
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  const write = (path: string, from: number, to: number) =>
    appendFileSync(
      path,
      upTo(from, to)
        .map((n) => botLine('2026-02-16 21:00:00', n))
        .join(''),
    );

  test('is the same whether it is stored or only gathered, and gathering writes nothing', () =>
    withLogs(async ({ bot, console, ingest, gather }) => {
      write(bot, 1, 1_300);
      copyFileSync(consoleSample, console);
      const gathered = (await gather(true)).events.map(({ lineage: _, ...event }) => event);
      assert.deepEqual((await gather(false)).events, []);
      const { files, problems } = await ingest();
      assert.deepEqual(
        files.map(({ log, path }) => [log, path]),
        [
          ['bot', bot],
          ['console', console],
        ],
      );
      assert.deepEqual(problems, []);
      const stored = (await gather(false)).events.map(({ lineage: _, ...event }) => event);
      assert.deepEqual(stored, gathered);
      assert.equal(stored.filter(({ log }) => log === 'bot').length, 1_300);
      assert.equal(
        stored.some(({ log }) => log === 'console'),
        true,
      );
    }));

  test('holds each line once through rotation, with what is stored and what is new together', () =>
    withLogs(async ({ bot, ingest, gather }) => {
      write(bot, 1, 10);
      await ingest();
      write(bot, 11, 12);
      renameSync(bot, `${bot}.1`);
      write(bot, 13, 14);
      assert.deepEqual(subjects((await gather(true)).events), upTo(1, 14));
      await ingest();
      writeFileSync(`${bot}.2.gz`, gzipSync(readFileSync(`${bot}.1`)));
      rmSync(`${bot}.1`);
      copyFileSync(bot, `${bot}.1`);
      truncateSync(bot, 0);
      write(bot, 15, 16);
      await ingest();
      const { events } = await gather(true);
      assert.deepEqual(subjects(events), upTo(1, 16));
      assert.equal(once(events), events.length);
    }));

  for (const form of ['plain', 'gzipped'] as const)
    test(`repeats and loses nothing where storing a ${form} log fails half-way`, () =>
      withLogs(async ({ config, ledger, bot, ingest, gather }) => {
        write(bot, 1, 12_000);
        if (form === 'gzipped') {
          writeFileSync(`${bot}.1.gz`, gzipSync(readFileSync(bot)));
          rmSync(bot);
        }
        const failing = {
          stop: () => undefined,
          step() {
            throw new Error('killed');
          },
        };
        await assert.rejects(ingestLogs(config, ledger, { readAt, progress: failing }), /killed/);
        const half = subjects((await gather(false)).events);
        assert.equal(half.length > 500 && half.length < 12_000, true, String(half.length));
        for (let again = 0; again < 2; again++) {
          await ingest();
          assert.deepEqual(subjects((await gather(false)).events), upTo(1, 12_000));
        }
      }));

  test('leaves out lines of the bot from before there were captures', () =>
    withLogs(async ({ config, bot, ingest, gather }) => {
      writeFileSync(bot, botLine('2020-01-01 00:00:00', 1) + botLine(`${config.captureSince} 00:00:00`, 2));
      await ingest();
      assert.deepEqual(subjects((await gather(false)).events), [2]);
    }));

  test('has the lines of the bot within 15 hours of a window, and of the console those of its ends', () =>
    withLogs(async ({ bot, console, ingest, gather }) => {
      const unix = Date.parse('2026-02-16T21:00:00Z') / 1_000;
      const hours = [-16, -14, 0, 14, 16];
      const text = (hour: number) =>
        new Date((unix + hour * 3_600) * 1_000).toISOString().slice(0, 19).replace('T', ' ');
      writeFileSync(bot, hours.map((hour, n) => botLine(text(hour), n)).join(''));
      const end = (at: number) => `[stats_discord_webhook] Round ended at ${at} (duration: 1 sec)\n`;
      writeFileSync(console, end(unix - 1) + end(unix) + end(unix + 1));
      const windows = [{ fromUnix: unix, toUnix: unix }];
      const fresh = (await gather(true, windows)).events;
      await ingest();
      for (const events of [fresh, (await gather(false, windows)).events]) {
        assert.deepEqual(subjects(events), [1, 2, 3]);
        const ends = events.filter(({ log }) => log === 'console').map(({ endUnix }) => endUnix);
        assert.deepEqual(ends, [unix]);
      }
    }));

  test('is stored whatever bytes a map has', () =>
    withLogs(async ({ console, ingest, gather }) => {
      writeFileSync(
        console,
        Buffer.concat([
          Buffer.from('[stats_discord_webhook] Round ended at 1771448179 (duration: 1 sec)\n'),
          Buffer.from('[stats_discord_webhook] Sending webhook for a'),
          Buffer.from([0, 0xff, 0xfe, 0x1b]),
          Buffer.from('b R1 (winner=0, playtime=1s)\n'),
        ]),
      );
      await ingest();
      assert.equal((await gather(false)).events.at(-1)?.map, 'a·\ufffd\ufffd·b');
    }));

  test('says which log is not there, and reads the other', () =>
    withLogs(async ({ bot, console, ingest, gather }) => {
      write(bot, 1, 1);
      const expected = [{ path: console, why: 'it does not exist' }];
      assert.deepEqual((await gather(true)).problems, expected);
      assert.deepEqual((await ingest()).problems, expected);
      assert.deepEqual(subjects((await gather(false)).events), [1]);
    }));

  test('is gathered without a ledger', () =>
    withLogs(async ({ config, bot }) => {
      write(bot, 1, 3);
      const { events } = await gatherEvents(config, null, { windows: everything, fresh: true });
      assert.deepEqual(subjects(events), [1, 2, 3]);
    }));
});
