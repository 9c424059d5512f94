import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { keepArtifact, openKept } from '../../src/artifacts/keep.ts';
import { parseMessage } from '../../src/artifacts/parse.ts';
import { readBuffer } from '../../src/artifacts/pending.ts';
import { contentOf, everySample, samplePaths } from './samples.ts';

const nowUnix = 1_780_000_000;

/** A message as the module buffers it: an artifact's payload alone. */
function messageOf(artifact: string): string {
  return artifact.slice(artifact.indexOf('},"payload":') + '},"payload":'.length, -1);
}
const sample = readFileSync(samplePaths('1.7.2/surr')[0]!, 'utf8');
const message = messageOf(sample);

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'roundwarden-pending-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function put(name: string, text: string | Uint8Array, modifiedUnix = nowUnix - 1_000): void {
  writeFileSync(join(base, name), text);
  utimesSync(join(base, name), modifiedUnix, modifiedUnix);
}
const read = () => readBuffer(base, { nowUnix });

test('parseMessage() says of every sample what its artifact says, but for the spawn list', () => {
  let compared = 0;
  for (const folder of everySample()) {
    const bytes = readFileSync(samplePaths(folder)[0]!);
    if (bytes.length === 0) continue;
    const text = bytes.toString('latin1');
    const parsed = parseMessage(Buffer.from(messageOf(text), 'latin1'));
    assert.ok('content' in parsed, folder);
    assert.deepEqual(parsed.content, { ...contentOf(bytes), spawns: [] }, folder);
    compared += 1;
  }
  assert.ok(compared > 20, `${compared} samples`);
});

test('parseMessage() shows nothing of a message that is cut off, but whose it is', () => {
  const whose = { safeMap: 'etl_adlernest', number: 1, endUnix: 1771448345, finished: true };
  for (const length of [
    message.length - 1,
    message.indexOf('Axis_JSON'),
    message.indexOf('"Lua_SurrenderTeam"'),
  ]) {
    const parsed = parseMessage(Buffer.from(message.slice(0, length)));
    assert.ok('damage' in parsed);
    assert.deepEqual(parsed.name, whose);
  }
  const parsed = parseMessage(Buffer.from(message.slice(0, message.indexOf('"Lua_RoundEnd"'))));
  assert.ok('damage' in parsed && parsed.name === null);
});

test('parseMessage() takes no artifact for a message, and no other JSON', () => {
  for (const text of [sample, '{}', '[]', 'null', '"x"', '{"embeds":[]}', '', '\0\0'])
    assert.ok('damage' in parseMessage(Buffer.from(text)), text.slice(0, 20));
});

describe('readBuffer()', () => {
  test('finds nothing wrong with an empty buffer: everything was delivered', async () => {
    const place = { name: base, unreadable: null, count: 0, oldestUnix: null, newestUnix: null };
    assert.deepEqual(await read(), { place, artifacts: [], ignored: [] });
  });

  test('reads the messages, which say themselves whose they are', async () => {
    put('472000-453973.json', message);
    put('notes.txt', 'x');
    const { place, artifacts, ignored } = await read();
    assert.deepEqual(place, {
      name: base,
      unreadable: null,
      count: 1,
      oldestUnix: 1771448345,
      newestUnix: 1771448345,
    });
    const [{ content, sha256, ...rest }] = artifacts as [(typeof artifacts)[0]];
    assert.deepEqual(rest, {
      path: join(base, '472000-453973.json'),
      safeMap: 'etl_adlernest',
      number: 1,
      endUnix: 1771448345,
      finished: true,
      bytes: Buffer.byteLength(message),
      modifiedUnix: nowUnix - 1_000,
      damage: null,
      unreadable: null,
      bare: true,
    });
    assert.deepEqual(content, { ...contentOf(Buffer.from(sample)), spawns: [] });
    assert.match(sha256!, /^[0-9a-f]{64}$/);
    assert.deepEqual(ignored, []);
  });

  test('lists what is no message', async () => {
    put('gametime-etl_adlernest-R1-1771448345.json', sample);
    put('1-1.json', 'noise');
    put('1-2.json', Buffer.alloc(2_000_000));
    mkdirSync(join(base, '1-3.json'));
    symlinkSync('/etc/passwd', join(base, '1-4.json'));
    const { place, artifacts, ignored } = await read();
    assert.deepEqual([place.unreadable, place.count, artifacts], [null, 0, []]);
    assert.deepEqual(
      ignored.map(({ why }) => why),
      [
        'an artifact in a retry buffer: its directory belongs in GAMETIME_PATHS',
        'it is no message of the module: not even its round can be read',
        'larger than 1 MiB (2000000 bytes)',
        'it is a directory',
        'it is a symbolic link',
      ],
    );
  });

  test('calls a message that names its round and is not whole damaged, and an unfinished one unfinished', async () => {
    put('1-1.json', message.slice(0, -20));
    put('1-2.json.part', message);
    const { artifacts } = await read();
    assert.deepEqual(
      artifacts.map(({ damage, finished, content }) => [damage !== null, finished, content !== null]),
      [
        [true, true, false],
        [false, false, true],
      ],
    );
  });

  test('is unreadable while a message is being written that does not say yet whose it is', async () => {
    put('1-1.json', '', nowUnix - 5);
    assert.equal((await read()).place.unreadable, '1-1.json is still being written');
    put('1-1.json', '', nowUnix - 500);
    assert.equal((await read()).place.unreadable, null);
  });

  test('is unreadable where it is not there', async () => {
    const { place } = await readBuffer(join(base, 'absent'), { nowUnix });
    assert.equal(place.unreadable, 'it does not exist');
  });

  test('changes nothing there', async () => {
    put('1-1.json', message);
    await read();
    assert.deepEqual(readdirSync(base), ['1-1.json']);
    assert.equal(readFileSync(join(base, '1-1.json'), 'utf8'), message);
  });
});

test('openKept() gives a message back after it was delivered', async () => {
  put('1-1.json', message);
  const { artifacts } = await read();
  const { path, sha256 } = artifacts[0]!;
  const kept = join(base, 'kept');
  assert.equal(await keepArtifact(kept, { path, sha256: sha256! }), 'kept');
  rmSync(path);
  const copy = await openKept(kept, { path, sha256: sha256! });
  assert.deepEqual(copy, { ...artifacts[0], path: join(kept, sha256!) });
});
