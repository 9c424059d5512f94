import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { RememberedFile } from '../../src/core/log-event.ts';
import { messageOf } from '../../src/errors.ts';
import { followLog } from '../../src/logs/follow.ts';
import { findLogs } from '../../src/logs/places.ts';

/** Line number `n` of a bot's log; each has a name of its own. */
const line = (n: number) =>
  `2026-02-16 21:00:00 | INFO | bot | 📥 Webhook trigger validated: 2026-02-16-210000-map${n}-round-1.txt\n`;
const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
const lines = (from: number, to: number) => upTo(from, to).map(line).join('');

/** A log in a folder of its own, and somebody who reads it again and again. */
function aLog(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'roundwarden-rotation-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'webhook.log');
  const remembered = new Map<string, RememberedFile>();
  const problems: string[] = [];
  const found: number[] = [];
  const readFile = async (file: string) => {
    try {
      for await (const chunk of followLog(file, 'bot', [...remembered.values()])) {
        remembered.set(chunk.file.lineage, chunk.file);
        found.push(...chunk.events.map(({ subject }) => Number(/map(\d+)-/.exec(subject!)![1])));
      }
    } catch (thrown) {
      problems.push(messageOf(thrown));
    }
  };
  const read = async () => {
    for (const file of (await findLogs([path])).files) await readFile(file);
  };
  const sorted = () => [...found].sort((a, b) => a - b);
  return { folder, path, remembered, problems, found, read, readFile, sorted };
}

const longAgo = new Date('2026-02-16T21:00:00Z');

describe('A log that is rotated while it is read', () => {
  for (const first of ['the copy', 'the log'] as const)
    test(`is read once where it is read between copying and truncating, ${first} first`, async (t) => {
      const log = aLog(t);
      writeFileSync(log.path, lines(1, 100));
      await log.read();
      appendFileSync(log.path, lines(101, 110));
      copyFileSync(log.path, `${log.path}.1`);
      appendFileSync(log.path, lines(111, 115));
      const order = first === 'the copy' ? [`${log.path}.1`, log.path] : [log.path, `${log.path}.1`];
      for (const file of order) await log.readFile(file);
      truncateSync(log.path, 0);
      await log.read();
      appendFileSync(log.path, lines(116, 120));
      await log.read();
      await log.read();
      assert.deepEqual(log.sorted(), upTo(1, 120));
    });

  test('is read once where a copy lies beside it from before it was ever read', async (t) => {
    const log = aLog(t);
    writeFileSync(log.path, lines(1, 100));
    copyFileSync(log.path, `${log.path}-20260216`);
    appendFileSync(log.path, lines(101, 110));
    await log.readFile(log.path);
    await log.read();
    assert.deepEqual(log.sorted(), upTo(1, 110));
  });

  test('is read once while gzip is still writing its part', async (t) => {
    const log = aLog(t);
    writeFileSync(log.path, lines(1, 2_000));
    await log.read();
    renameSync(log.path, `${log.path}.1`);
    await log.read();
    const bytes = gzipSync(readFileSync(`${log.path}.1`));
    writeFileSync(`${log.path}.1.gz`, bytes.subarray(0, bytes.length / 2));
    await log.read();
    writeFileSync(`${log.path}.1.gz`, bytes);
    await log.read();
    rmSync(`${log.path}.1`);
    await log.read();
    assert.deepEqual(log.sorted(), upTo(1, 2_000));
    assert.deepEqual(log.problems, []);
  });

  test('goes on in a gzipped part that is damaged behind the place where reading stopped', async (t) => {
    const log = aLog(t);
    writeFileSync(log.path, lines(1, 2_000));
    await log.read();
    const bytes = gzipSync(lines(1, 4_000));
    rmSync(log.path);
    writeFileSync(`${log.path}.1.gz`, bytes.subarray(0, bytes.length - 100));
    utimesSync(`${log.path}.1.gz`, longAgo, longAgo);
    await log.read();
    await log.read();
    assert.deepEqual(log.sorted(), upTo(1, log.found.length));
    assert.equal(log.found.length > 3_000, true);
    assert.equal(log.problems.length, 1);
    assert.match(log.problems[0]!, /it can be read only in part/);
  });

  for (const how of ['rename', 'copytruncate', 'gzip'] as const)
    test(`loses and repeats nothing while another process writes and rotates by ${how}`, async (t) => {
      const log = aLog(t);
      const total = 3_000;
      const writer = spawn(process.execPath, ['-e', writerProgram, log.path, how, String(total)], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const ended = once(writer, 'exit');
      let readings = 0;
      for (; writer.exitCode === null && writer.signalCode === null; readings++) {
        await log.read();
        await sleep(Math.random() * 4);
      }
      assert.deepEqual(await ended, [0, null]);
      await log.read();
      assert.deepEqual(log.sorted(), upTo(1, total));
      assert.equal(readings > 20, true, `${readings} readings`);
      assert.equal(readdirSync(log.folder).length > 10, true);
    });
});

/** Writes numbered lines in small pieces, and rotates now and then; a piece may end within a line. */
const writerProgram = `
  const fs = require('node:fs');
  const zlib = require('node:zlib');
  const [path, how, total] = process.argv.slice(1);
  const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  let part = 0;
  const rotate = {
    rename: (to) => fs.renameSync(path, to),
    copytruncate(to) {
      fs.copyFileSync(path, to);
      pause(3);
      fs.truncateSync(path, 0);
    },
    gzip(to) {
      fs.renameSync(path, to);
      const bytes = zlib.gzipSync(fs.readFileSync(to));
      fs.writeFileSync(to + '.gz', bytes.subarray(0, bytes.length / 2));
      pause(3);
      fs.appendFileSync(to + '.gz', bytes.subarray(bytes.length / 2));
      pause(1);
      fs.unlinkSync(to);
    },
  };
  for (let n = 1; n <= Number(total); n++) {
    const text = ${JSON.stringify(line(0))}.replace('map0', 'map' + n);
    fs.appendFileSync(path, text.slice(0, 40));
    fs.appendFileSync(path, text.slice(40));
    if (n % 10 === 0) pause(1);
    if (n % 200 === 0) rotate[how](path + '.' + (1000 - ++part));
  }
`;

describe('A log that is odd', () => {
  test('is not remembered before it has a whole line', async (t) => {
    const log = aLog(t);
    writeFileSync(log.path, 'no end');
    for (let reading = 0; reading < 5; reading++) await log.read();
    assert.equal(log.remembered.size, 0);
  });

  test('is a named pipe: said, and not waited for', async (t) => {
    const log = aLog(t);
    for (const name of [log.path, `${log.path}.1.gz`]) execFileSync('mkfifo', [name]);
    await log.read();
    assert.deepEqual(log.problems, ['it is no regular file', 'it is no regular file']);
  });

  test('holds nothing of interest for long: the place is given every now and then', async (t) => {
    const log = aLog(t);
    writeFileSync(log.path, 'nothing of interest\n'.repeat(5_000_000));
    const places: number[] = [];
    for await (const { bytes } of followLog(log.path, 'bot', [])) places.push(bytes);
    assert.equal(places.length, 3, String(places));
    assert.equal(places.at(-1), 100_000_000);
  });
});
