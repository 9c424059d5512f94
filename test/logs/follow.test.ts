import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { RememberedFile } from '../../src/core/log-event.ts';
import { messageOf } from '../../src/errors.ts';
import { followLog } from '../../src/logs/follow.ts';
import { beginning, LineSplitter, longestLineBytes } from '../../src/logs/lines.ts';
import { findLogs } from '../../src/logs/places.ts';

const root = mkdtempSync(join(tmpdir(), 'roundwarden-logs-'));
after(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;

/** A folder with a bot's log in it, and somebody who reads it again and again. */
function aLog() {
  const folder = join(root, String(++folders));
  mkdirSync(folder);
  const path = join(folder, 'webhook.log');
  const remembered = new Map<string, RememberedFile>();
  let written = 0;
  /** A line that matters, as text; each has a name of its own. */
  const line = () => {
    written += 1;
    return `2026-02-16 21:00:00 | INFO | bot | 📥 Webhook trigger validated: 2026-02-16-210000-map${written}-round-1.txt\n`;
  };
  const write = (count: number) => {
    for (let at = 0; at < count; at++) appendFileSync(path, line());
  };
  const problems: string[] = [];
  /** The numbers of the lines that this reading found. */
  const read = async (): Promise<number[]> => {
    const found: number[] = [];
    for (const file of (await findLogs([path])).files)
      try {
        for await (const chunk of followLog(file, 'bot', [...remembered.values()])) {
          remembered.set(chunk.file.lineage, chunk.file);
          found.push(...chunk.events.map(({ subject }) => Number(/map(\d+)-/.exec(subject!)![1])));
        }
      } catch (thrown) {
        problems.push(messageOf(thrown));
      }
    return found.sort((a, b) => a - b);
  };
  return { folder, path, write, line, read, remembered, problems };
}

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

/** Rotates a log that is there, as one of three common ways does. */
function rotate(path: string, how: 'rename' | 'copytruncate' | 'gzip', number: number): void {
  if (!existsSync(path)) return;
  const rotated = `${path}.${number}`;
  if (how === 'rename') renameSync(path, rotated);
  else if (how === 'gzip') {
    writeFileSync(`${rotated}.gz`, gzipSync(readFileSync(path)));
    rmSync(path);
  } else {
    copyFileSync(path, rotated);
    truncateSync(path, 0);
  }
}

describe('followLog()', () => {
  test('reads each line once while the log grows', async () => {
    const log = aLog();
    log.write(3);
    assert.deepEqual(await log.read(), [1, 2, 3]);
    assert.deepEqual(await log.read(), []);
    log.write(2);
    assert.deepEqual(await log.read(), [4, 5]);
    assert.equal(log.remembered.size, 1);
  });

  test('leaves a line that is still being written for the next time', async () => {
    const log = aLog();
    const text = log.line();
    appendFileSync(log.path, text.slice(0, 50));
    assert.deepEqual(await log.read(), []);
    appendFileSync(log.path, text.slice(50));
    assert.deepEqual(await log.read(), [1]);
  });

  test('neither loses nor repeats a line when the log is renamed, and again', async () => {
    const log = aLog();
    log.write(3);
    await log.read();
    log.write(2);
    renameSync(log.path, `${log.path}.1`);
    log.write(2);
    assert.deepEqual(await log.read(), upTo(4, 7));
    renameSync(`${log.path}.1`, `${log.path}.2`);
    renameSync(log.path, `${log.path}.1`);
    log.write(1);
    assert.deepEqual(await log.read(), [8]);
  });

  test('goes on in the renamed file where the bot still writes to it', async () => {
    const log = aLog();
    log.write(2);
    await log.read();
    renameSync(log.path, `${log.path}.1`);
    appendFileSync(`${log.path}.1`, log.line());
    log.write(1);
    assert.deepEqual(await log.read(), [3, 4]);
  });

  test('neither loses nor repeats a line when the log is copied and truncated', async () => {
    const log = aLog();
    log.write(3);
    await log.read();
    log.write(2);
    copyFileSync(log.path, `${log.path}.1`);
    truncateSync(log.path, 0);
    assert.deepEqual(await log.read(), [4, 5]);
    log.write(2);
    assert.deepEqual(await log.read(), [6, 7]);
  });

  test('begins anew where the log was emptied and is longer than before when it is looked at', async () => {
    const log = aLog();
    log.write(2);
    await log.read();
    truncateSync(log.path, 0);
    log.write(5);
    assert.deepEqual(await log.read(), upTo(3, 7));
  });

  test('knows a gzipped part again, reads what it had not seen, and opens it once', async () => {
    const log = aLog();
    log.write(3);
    await log.read();
    log.write(2);
    writeFileSync(`${log.path}.1.gz`, gzipSync(readFileSync(log.path)));
    rmSync(log.path);
    log.write(1);
    assert.deepEqual((await log.read()).sort(), [4, 5, 6]);
    assert.deepEqual(await log.read(), []);
  });

  test('reads a gzipped part that it never saw, with a last line that has no end', async () => {
    const log = aLog();
    writeFileSync(`${log.path}.2.gz`, gzipSync(log.line() + log.line().trimEnd()));
    assert.deepEqual(await log.read(), [1, 2]);
    assert.deepEqual(await log.read(), []);
  });

  test('gives what comes before the fault of a gzipped part, and says so', async () => {
    const log = aLog();
    const text = Array.from({ length: 4_000 }, log.line).join('');
    const bytes = gzipSync(text);
    writeFileSync(`${log.path}.1.gz`, bytes.subarray(0, bytes.length - 200));
    // Else it would count as being written.
    utimesSync(`${log.path}.1.gz`, new Date('2026-02-16'), new Date('2026-02-16'));
    const found = await log.read();
    assert.equal(found.length > 1_000 && found.length < 4_000, true, String(found.length));
    assert.match(log.problems[0]!, /it can be read only in part/);
  });

  test('continues a lineage whose end is the same, under whatever name, however small', async () => {
    const log = aLog();
    log.write(1);
    await log.read();
    const [first] = log.remembered.values();
    renameSync(log.path, join(log.folder, 'webhook.log.3'));
    await log.read();
    assert.deepEqual([...log.remembered.keys()], [first!.lineage]);
  });

  test('says what cannot be read, and does not throw for it', async () => {
    assert.deepEqual(await findLogs([join(root, 'none', 'webhook.log')]), {
      files: [],
      problems: [{ path: join(root, 'none', 'webhook.log'), why: 'it does not exist' }],
    });
    const nothing = join(root, 'no*.log');
    assert.deepEqual((await findLogs([nothing])).problems, [{ path: nothing, why: 'nothing matches it' }]);
    const log = aLog();
    mkdirSync(log.path);
    await log.read();
    assert.equal(log.problems.length, 1);
  });

  test('finds rotated parts and nothing else beside the log', async () => {
    const log = aLog();
    for (const name of ['', '.1', '.2.gz', '-20260211', '.2026-02-11.gz', '.bak', '.swp', 'x', '.1.tmp'])
      writeFileSync(`${log.path}${name}`, 'x\n');
    const names = (await findLogs([log.path])).files.map((file) => file.slice(log.path.length)).sort();
    assert.deepEqual(names, ['', '-20260211', '.1', '.2.gz', '.2026-02-11.gz']);
  });

  test('neither loses nor repeats a line, whatever happens to the files in whatever order (property)', async () => {
    const step = fc.constantFrom('write', 'write', 'read', 'rename', 'copytruncate', 'gzip');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const log = aLog();
        const found: number[] = [];
        let total = 0;
        for (const [at, what] of steps.entries()) {
          if (what === 'read') found.push(...(await log.read()));
          else if (what === 'write') {
            log.write(3);
            total += 3;
          } else rotate(log.path, what, 100 - at);
        }
        found.push(...(await log.read()));
        assert.deepEqual(
          found.sort((a, b) => a - b),
          upTo(1, total),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('reads a large log in memory that does not grow with it', async () => {
    const log = aLog();
    const noise = `2026-02-16 21:00:00 | INFO | bot | ${'nothing of interest '.repeat(6)}\n`.repeat(8_000);
    const megabytes = Number(process.env.LOG_TEST_MB ?? 60);
    for (let size = 0; size < megabytes * 1_048_576; size += noise.length) appendFileSync(log.path, noise);
    appendFileSync(log.path, `${'x'.repeat(20 * 1_048_576)}\n${log.line()}`);
    globalThis.gc?.();
    const before = process.memoryUsage.rss();
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 5);
    const found = await log.read();
    clearInterval(watch);
    rmSync(log.path);
    assert.deepEqual(found, [1]);
    assert.equal(
      (most - before) / 1_048_576 < 60,
      true,
      `${Math.round((most - before) / 1_048_576)} MB more`,
    );
  });
});

describe('LineSplitter', () => {
  const split = (pieces: readonly Buffer[]) => {
    const lines: [number, string][] = [];
    const splitter = new LineSplitter(beginning, (line, text) => lines.push([line, text]));
    for (const piece of pieces) splitter.push(piece);
    return { lines, place: splitter.place };
  };

  test('gives the same lines and the same place however the bytes are cut (property)', () => {
    const bytes = fc
      .uint8Array({ maxLength: 6_000 })
      .map((some) => some.map((byte) => (byte % 9 === 0 ? 10 : byte)));
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(6_000), { maxLength: 8 }), (all, cuts) => {
        const text = Buffer.from(all);
        const at = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
        const pieces = at.slice(1).map((end, index) => text.subarray(at[index], end));
        const [whole, cut] = [split([text]), split(pieces)];
        assert.deepEqual(cut, whole);
        const { position, tail } = whole.place;
        assert.equal(position, text.lastIndexOf(10) + 1);
        assert.deepEqual(tail, Buffer.from(text.subarray(Math.max(0, position - 1_024), position)));
      }),
    );
  });

  test('looks at no more than the beginning of a line without an end', () => {
    const { lines, place } = split([Buffer.alloc(1_000_000, 'x'), Buffer.from('\ny\n')]);
    assert.deepEqual(
      lines.map(([line, text]) => [line, text.length]),
      [
        [1, longestLineBytes],
        [2, 1],
      ],
    );
    assert.equal(place.position, 1_000_003);
  });
});
