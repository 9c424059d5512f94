import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
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
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Visited } from '../../src/artifacts/pending.ts';
import { readArtifact } from '../../src/artifacts/read.ts';
import { type Visiting, visitServers } from '../../src/artifacts/servers.ts';
import { sftpLimits, withSftp } from '../../src/artifacts/sftp.ts';
import { parseArtifactName } from '../../src/core/names.ts';
import { parseSftpAddress, type SftpAddress } from '../../src/core/sftp-address.ts';
import { type Sshd, skipWithoutSshd, startSshd } from '../sshd.ts';
import { type Pretence, startHostileServer } from './hostile-sftp.ts';
import { sampleBytes } from './samples.ts';

const r1 = 'gametime-etl_adlernest-R1-1771448345.json';
const r2 = 'gametime-etl_adlernest-R2-1771448364.json';
const nowUnix = 1_780_000_000;

function addressOf(text: string): SftpAddress {
  const address = parseSftpAddress(text);
  assert.ok(!('problem' in address), text);
  return address;
}

describe('artifacts over SFTP', { skip: skipWithoutSshd }, () => {
  let sshd: Sshd;
  let base: string;
  let place: string;
  let data: string;
  before(async () => {
    sshd = await startSshd();
  });
  after(() => sshd.close());
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'roundwarden-sftp-'));
    place = join(base, 'gametimes');
    data = join(base, 'data');
    mkdirSync(place);
    put(r1, sampleBytes('1.6.2/utf8'));
    put(r2, sampleBytes('1.6.2/r2cap'));
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  function put(name: string, bytes: string | Uint8Array, modifiedUnix = 1_771_448_400): void {
    writeFileSync(join(place, name), bytes);
    utimesSync(join(place, name), modifiedUnix, modifiedUnix);
  }

  const access = () => ({ keyPath: sshd.keyPath, passphrase: null, knownHostsPath: sshd.knownHostsPath });

  async function visit(given: Partial<Visiting> & { at?: string } = {}): Promise<Visited> {
    const { at = sshd.at(place), ...more } = given;
    const [visited] = await visitServers([{ address: addressOf(at), pending: false }], {
      access: access(),
      copies: join(data, 'artifacts'),
      lists: join(data, 'places'),
      keep: true,
      near: () => true,
      nowUnix,
      ...more,
    });
    return visited!;
  }

  const brief = ({ place: { unreadable, count }, artifacts }: Visited) => ({
    unreadable,
    count,
    artifacts: artifacts.map(({ path, content, unreadable: why, fromCopy }) =>
      [
        path.slice(path.lastIndexOf('/') + 1),
        content === null ? (why ?? 'damaged') : 'whole',
        ...(fromCopy ? ['copy'] : []),
      ].join(' '),
    ),
  });
  const both = { unreadable: null, count: 2, artifacts: [`${r1} whole`, `${r2} whole`] };
  const kept = () => readdirSync(join(data, 'artifacts')).sort();

  test('reads a place as a directory of this host is read, and keeps a copy of each file', async () => {
    const { place: seen, artifacts, ignored } = await visit();
    assert.deepEqual(ignored, []);
    assert.deepEqual(seen, {
      name: sshd.at(place),
      unreadable: null,
      count: 2,
      oldestUnix: 1771448345,
      newestUnix: 1771448364,
    });
    for (const [at, name] of [r1, r2].entries()) {
      const local = await readArtifact({ path: join(place, name), name: parseArtifactName(name)!, place });
      assert.deepEqual(artifacts[at], { ...local, path: `${sshd.at(place)}/${name}` });
    }
    assert.deepEqual(kept(), artifacts.map(({ sha256 }) => sha256).sort());
  });

  test('lists at every visit, and fetches only what is new or has changed', async () => {
    await visit();
    // A server that opens no file proves that none was asked for.
    await sshd.stop();
    await sshd.start({ denied: ['open'] });
    try {
      assert.deepEqual(brief(await visit()), both);
      put(r2, sampleBytes('1.6.2/utf8'), 1_771_448_401);
      assert.deepEqual(brief(await visit()), {
        ...both,
        artifacts: [`${r1} whole`, `${r2} permission denied`],
      });
    } finally {
      await sshd.stop();
      await sshd.start();
    }
    const [, changed] = (await visit()).artifacts;
    assert.equal(changed!.content?.map, 'etl_adlernest');
    assert.equal(kept().length, 2, 'the same bytes are kept once');
  });

  test('fetches a copy again that was spoiled', async () => {
    const first = await visit();
    writeFileSync(join(data, 'artifacts', kept()[0]!), 'forged');
    assert.deepEqual(await visit(), first);
    assert.deepEqual(await visit(), first);
  });

  test('reads only what is near, and keeps nothing where nothing may be written', async () => {
    const near = (endUnix: number) => endUnix === 1771448364;
    assert.deepEqual(brief(await visit({ near, keep: false })), { ...both, artifacts: [`${r2} whole`] });
    assert.deepEqual(readdirSync(base), ['gametimes']);
  });

  test('looks at several places of one server by one connection', async () => {
    const other = join(base, 'other');
    mkdirSync(other);
    writeFileSync(join(other, r1), '');
    const logins = sshd.logins();
    const places = [place, other, join(base, 'absent')].map((path) => ({
      address: addressOf(sshd.at(path)),
      pending: false,
    }));
    const visited = await visitServers(places, {
      access: access(),
      copies: join(data, 'artifacts'),
      lists: join(data, 'places'),
      keep: true,
      near: () => true,
      nowUnix,
    });
    assert.deepEqual(
      visited.map((one) => one.place.unreadable),
      [null, null, 'it does not exist on the server, or is no directory; correct its path'],
    );
    assert.equal(sshd.logins(), logins + 1);
  });

  test('finds what the server has cleaned up in the copies', async () => {
    await visit();
    rmSync(join(place, r1));
    const copy = `${r1} whole copy`;
    assert.deepEqual(brief(await visit()), { unreadable: null, count: 1, artifacts: [`${r2} whole`, copy] });
    rmSync(join(place, r2));
    assert.deepEqual(brief(await visit()), {
      unreadable: 'it lists no artifact',
      count: 0,
      artifacts: [copy, `${r2} whole copy`],
    });
  });

  test('calls a file that is being written unreadable or damaged, and does not remember it', async () => {
    const whole = sampleBytes('1.6.2/utf8');
    put(r1, whole.subarray(0, 900));
    put(`${r2}.part`, 'half');
    const { artifacts } = await visit();
    assert.match(artifacts[0]!.damage!, /cut off/);
    assert.deepEqual(
      artifacts.map(({ finished }) => finished),
      [true, true, false],
    );
    put(r1, whole, 1_771_448_401);
    rmSync(join(place, `${r2}.part`));
    assert.deepEqual(brief(await visit()), both);
  });

  test('opens no link, no directory and nothing that is too large', async () => {
    symlinkSync('/etc/passwd', join(place, 'gametime-x-R1-5.json'));
    mkdirSync(join(place, 'gametime-x-R1-6.json'));
    execFileSync('mkfifo', [join(place, 'gametime-x-R1-7.json')]);
    put('gametime-x-R1-8.json', Buffer.alloc(2_000_000));
    const near = (endUnix: number) => endUnix < 10;
    const { artifacts, place: seen } = await visit({ near });
    assert.equal(seen.unreadable, null);
    assert.deepEqual(
      artifacts.map(({ damage }) => damage),
      [
        'it is a symbolic link',
        'it is a directory',
        'it is a named pipe',
        'larger than 1 MiB (2000000 bytes)',
      ],
    );
    assert.deepEqual(readdirSync(base).sort(), ['gametimes'], 'nothing of them was kept');
  });

  test('does not take a file for whole that changes while it is read', async () => {
    const read = await withSftp(addressOf(sshd.at(place)), { access: access() }, (session) =>
      // Its size is 0 until it is read.
      session.read('/proc/self/status', 1_000_000),
    );
    assert.deepEqual(read, { state: 'unreadable', why: 'it changed while it was read' });
  });

  test('never asks for a name that no file of the module has', async () => {
    put('gametime-a\nb-R1-1771448345.json', 'x');
    put('gametime-a\\b-R1-1771448345.json', 'x');
    const { ignored, artifacts } = await visit();
    assert.equal(artifacts.length, 2);
    assert.deepEqual(
      new Set(ignored.map(({ why }) => why)),
      new Set(['the server gives a name that no file of the module has; it was not asked for']),
    );
    assert.equal(ignored.length, 2);
  });

  describe('says why a place is unreadable, and goes on with its copies', () => {
    const copies = [`${r1} whole copy`, `${r2} whole copy`];
    const closed = async (why: RegExp, given: Parameters<typeof visit>[0] = {}) => {
      const seen = brief(await visit(given));
      assert.match(seen.unreadable ?? 'it was readable', why);
      assert.deepEqual([seen.count, seen.artifacts], [0, copies]);
    };
    beforeEach(async () => {
      await visit();
    });
    afterEach(async () =>
      assert.deepEqual(brief(await visit()), both, 'the next good visit finds all again'),
    );

    test('nobody listens', async () => {
      await sshd.stop();
      try {
        await closed(
          /^127\.0\.0\.1 port \d+ refuses the connection; start its SSH server, or correct host and port$/,
        );
      } finally {
        await sshd.start();
      }
    });

    test('its host key is another one, which is said loudly', async () => {
      const impostor = sshd.makeKey(`impostor-${Date.now()}`);
      await sshd.stop();
      await sshd.start({ hostKey: impostor });
      try {
        await closed(
          /^WRONG HOST KEY: 127\.0\.0\.1 port \d+ shows ssh-ed25519 SHA256:\S+, but \S+known_hosts pins ssh-ed25519 SHA256:\S+; somebody may stand in between/,
        );
        assert.equal(sshd.logins(), 0, 'our key was not offered');
      } finally {
        await sshd.stop();
        await sshd.start();
      }
    });

    test('its host key is of a kind that is not pinned', async () => {
      const ecdsa = sshd.makeKey(`ecdsa-${Date.now()}`, { type: 'ecdsa' });
      await sshd.stop();
      await sshd.start({ hostKey: ecdsa });
      try {
        await closed(/^WRONG HOST KEY: 127\.0\.0\.1 port \d+ has no key of a kind that is pinned/);
      } finally {
        await sshd.stop();
        await sshd.start();
      }
    });

    test('no host key is pinned', async () => {
      const empty = join(base, 'known_hosts');
      writeFileSync(empty, '# nobody\n');
      await closed(
        /^no host key of 127\.0\.0\.1 port \d+ is pinned in .*; compare `ssh-keyscan -p \d+ 127\.0\.0\.1` with/,
        {
          access: { ...access(), knownHostsPath: empty },
        },
      );
      await closed(/^SFTP_KNOWN_HOSTS \S+absent cannot be read: it does not exist; /, {
        access: { ...access(), knownHostsPath: join(base, 'absent') },
      });
    });

    test('our key is not the one that it lets in', async () => {
      const stranger = sshd.makeKey(`stranger-${Date.now()}`);
      await closed(/lets the user \S+ not in with SFTP_KEY \S+stranger\S+; put its public half into/, {
        access: { ...access(), keyPath: stranger },
      });
    });

    test('our key cannot be read, or not without its passphrase, which is never shown', async () => {
      const locked = sshd.makeKey(`locked-${Date.now()}`, { passphrase: 'hunter22' });
      const with_ = (keyPath: string, passphrase: string | null) => ({
        access: { ...access(), keyPath, passphrase },
      });
      await closed(
        /^SFTP_KEY \S+absent cannot be read: it does not exist; /,
        with_(join(base, 'absent'), null),
      );
      await closed(
        /^SFTP_KEY \S+ cannot be used: .*passphrase.*; set SFTP_KEY_PASSPHRASE/i,
        with_(locked, null),
      );
      await closed(
        /^SFTP_KEY \S+ cannot be used: (?!.*hunter23).*; set SFTP_KEY_PASSPHRASE/i,
        with_(locked, 'hunter23'),
      );
      // The right one opens it; then it is only a key that the server does not know.
      await closed(/lets the user \S+ not in/, with_(locked, 'hunter22'));
    });

    test('the directory is gone', async () => {
      const moved = join(base, 'moved');
      execFileSync('mv', [place, moved]);
      try {
        await closed(/^it does not exist on the server, or is no directory; correct its path$/);
      } finally {
        execFileSync('mv', [moved, place]);
      }
    });

    test('the directory may not be listed', async () => {
      await sshd.stop();
      await sshd.start({ denied: ['opendir'] });
      try {
        await closed(/^permission denied; give the user the right to read and enter it on the server$/);
      } finally {
        await sshd.stop();
        await sshd.start();
      }
    });

    test('the user lost the right to read it', {
      skip: process.getuid?.() === 0 && 'root may read everything',
    }, async () => {
      chmodSync(place, 0);
      try {
        await closed(/^permission denied; /);
      } finally {
        chmodSync(place, 0o755);
      }
    });

    test('it is a file', async () => {
      const { place: seen } = await visit({ at: sshd.at(join(place, r1)) });
      assert.match(
        seen.unreadable!,
        /^it does not exist on the server, or is no directory; correct its path$/,
      );
    });

    test('the server takes a connection and says nothing', async () => {
      sshd.freeze();
      try {
        await closed(/^127\.0\.0\.1 port \d+ did not let us in within 0\.3 s; /, {
          limits: { ...sftpLimits, connectMs: 300 },
        });
      } finally {
        sshd.thaw();
      }
    });

    test('the list of its copies is damaged', async () => {
      const lists = join(data, 'places');
      const path = join(lists, readdirSync(lists)[0]!);
      const good = readFileSync(path);
      writeFileSync(path, good.subarray(0, good.length - 20));
      const seen = await visit();
      assert.match(
        seen.place.unreadable!,
        /^the list of its copies, \S+, is damaged; restore it, or remove it/,
      );
      writeFileSync(path, good);
    });
  });

  describe('a connection that is lost in the middle', () => {
    test('of a listing', async () => {
      await withSftp(addressOf(sshd.at(place)), { access: access() }, async (session) => {
        sshd.freeze();
        const listing = session.list(place);
        sshd.dropSessions();
        await assert.rejects(listing, { message: /^the connection was lost/ });
        assert.match(session.broken!.message, /^the connection was lost/);
        await assert.rejects(session.list(place), { message: /^the connection was lost/ });
      });
      sshd.thaw();
    });

    for (const [what, cut, why] of [
      ['is cut off', () => sshd.dropSessions(), /^the connection was lost/],
      ['does not answer any more', () => sshd.freeze(), /^no answer within 0\.3 s; /],
    ] as const)
      test(`of the reading, where the server ${what}, leaves the place unreadable, and the next visit finds all`, async () => {
        let asked = 0;
        const limits = { ...sftpLimits };
        const visited = await visit({
          limits,
          // Asked of each file after the listing and before the first is read.
          near: () => {
            if (asked++ > 0) return true;
            // What comes before may take longer than this on a busy machine.
            limits.answerMs = 300;
            cut();
            return true;
          },
        });
        sshd.thaw();
        assert.match(visited.place.unreadable!, why);
        assert.equal(visited.artifacts.length, 2);
        for (const { unreadable, content } of visited.artifacts) {
          assert.match(unreadable!, why);
          assert.equal(content, null);
        }
        assert.deepEqual(brief(await visit()), both);
      });

    test('of a visit that takes too long keeps what was fetched', async () => {
      const visited = await visit({ limits: { ...sftpLimits, visitMs: 0 } });
      assert.match(visited.place.unreadable!, /^it took longer than 0 s; what was fetched is kept/);
      assert.deepEqual(brief(await visit()), both);
    });
  });

  describe('a server that lies', () => {
    const deceive = async (pretence: Pretence, given: Partial<Visiting> = {}) => {
      const hostile = await startHostileServer(pretence);
      try {
        const visited = await visit({ at: hostile.at('/gametimes'), access: hostile.access, ...given });
        return { visited, asked: hostile.asked };
      } finally {
        await hostile.close();
      }
    };
    const once =
      (...names: string[]) =>
      (answer: number) =>
        answer === 0 ? names : null;

    test('about names makes nobody leave the directory, here or there', async () => {
      const { visited, asked } = await deceive({
        names: once(
          '.',
          '..',
          '../gametime-x-R1-1771448345.json',
          '/etc/gametime-x-R1-1771448345.json',
          'gametime-../../../tmp/x-R1-1771448345.json',
          'gametime-x\0-R1-1771448345.json',
          `gametime-${'x'.repeat(300)}-R1-1771448345.json`,
          'gametime-y-R1-1771448345.json',
        ),
      });
      assert.deepEqual(asked, ['/gametimes', '/gametimes/gametime-y-R1-1771448345.json']);
      assert.equal(visited.ignored.length, 5);
      assert.equal(visited.artifacts.length, 1);
      assert.deepEqual(
        kept(),
        visited.artifacts.map(({ sha256 }) => sha256),
      );
    });

    test('without end is not listened to for ever', async () => {
      const names = (answer: number) =>
        Array.from({ length: 100 }, (_, at) => `gametime-x-R1-${answer}${at}.json`);
      const { visited } = await deceive({ names }, { limits: { ...sftpLimits, mostNames: 1_000 } });
      assert.equal(visited.place.unreadable, 'it holds more than 1000 names; move old files elsewhere');
      assert.deepEqual(visited.artifacts, []);
    });

    for (const [what, pretence, damage, why] of [
      ['a size of 8 EiB', { attributes: { size: 2 ** 63 } }, /larger than 1 MiB/, null],
      ['less than it sends', { attributes: { size: 3 } }, null, /lost|changed/],
      ['more than it sends', { attributes: { size: 9 } }, null, /it changed while it was read/],
    ] as const)
      test(`about a file, of which it says ${what}`, async () => {
        const { visited } = await deceive({ names: once(r1), ...pretence });
        const [artifact] = visited.artifacts;
        if (damage !== null) assert.match(artifact!.damage!, damage);
        if (why !== null) assert.match(artifact!.unreadable!, why);
        assert.equal(artifact!.content, null);
      });
  });
});
