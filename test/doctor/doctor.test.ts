import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { acquireLease } from '../../src/ledger/lease.ts';
import { runCommand, using } from '../failure/scene.ts';
import {
  checkOf,
  doctor,
  doctorForPeople,
  hostWith,
  namesOf,
  realPs,
  serviceOn,
  withProcesses,
} from './hosts.ts';
import {
  botLines,
  consoleLines,
  inInstallation,
  logLine,
  lostId,
  nowUnix,
  writeLog,
} from './installation.ts';

const day = 86_400;

/** A PostgreSQL that asks for a password and takes none, as its protocol has it. */
async function withPickyServer<T>(work: (url: string) => Promise<T>): Promise<T> {
  const message = (type: string, body: Buffer) => {
    const header = Buffer.alloc(5, type);
    header.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([header, body]);
  };
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      if (bytes.length === 8) return void socket.write('N');
      if (bytes[0] !== 'p'.charCodeAt(0)) return void socket.write(message('R', Buffer.from([0, 0, 0, 3])));
      heard.push(bytes.subarray(5, -1).toString());
      const fields = 'SFATAL\0C28P01\0Mpassword authentication failed for user "roundwarden"\0\0';
      socket.end(message('E', Buffer.from(fields)));
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  try {
    const result = await work(`postgres://roundwarden:hunter2@127.0.0.1:${port}/stats`);
    assert.ok(heard.length > 0 && heard.every((password) => password === 'hunter2'), 'it was asked');
    return result;
  } finally {
    await new Promise((closed) => server.close(closed));
  }
}

/** Without what SQLite lays beside a file while it is open. */
const filesOf = (directory: string) =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => !/-(shm|wal)$/.test(path))
    .sort();

test('doctor finds nothing to mend where everything is well, and says what it saw', async () => {
  await inInstallation(async ({ scene }) => {
    const before = filesOf(scene.directory);
    const seen = await doctor(scene);
    assert.deepEqual(namesOf(seen, 'problem', 'warning', 'unchecked'), []);
    assert.equal(seen.code, 0);
    assert.ok(seen.counts.ok > 20);
    assert.match(
      checkOf(seen, 'R2 coverage').what,
      /^improving: 1 of 1 \(100.0 %\) since .* 1 of 2 \(50.0 %\)$/,
    );
    assert.equal(checkOf(seen, 'module version').what, '1.7.2');
    assert.equal(checkOf(seen, 'clock of the bot').what, "it shows the game server's time");
    assert.match(checkOf(seen, 'triage packets').what, /^1 round is written off, each with its packet$/);
    const table = await doctorForPeople(scene);
    assert.match(table, /^area +state +check +what, and what to do\n/);
    assert.match(table, new RegExp(`\\n${seen.counts.ok} ok, 0 problems, 0 could not be checked\\n$`));
    assert.deepEqual(filesOf(scene.directory), before, 'it leaves nothing');

    const accepted = await doctor(scene, '--acceptance');
    assert.equal(accepted.code, 0);
    assert.deepEqual(namesOf(accepted, 'ok'), [
      'R2 coverage',
      'bot process',
      'duplicate ingestion',
      'et-stats-webhook.service on this host',
      'log_monitor.sh process',
      'lua_modules',
      'module version',
      'triage packets',
    ]);
  });
});

test('doctor on a broken set-up names each problem and its mend, and nothing else', {
  skip: realPs === null && 'this host has no ps',
}, async () => {
  await inInstallation(async ({ scene, gametimes, botLog, set }) => {
    const missing = join(scene.directory, 'not-mounted');
    writeLog(botLog, logLine(nowUnix - 5 * day, 'Bot is ready'), nowUnix - 5 * day);
    await withProcesses({ logMonitors: 2, bots: 1 }, async ({ ps, pids }) => {
      await withPickyServer(async (url) => {
        const broken = set({
          SOURCE_DATABASE_URL: url,
          GAMETIME_PATHS: `${gametimes},${missing}`,
          ...hostWith(scene.directory, { ps }),
        });
        const seen = await doctor(broken);
        assert.equal(seen.code, 3);
        const bad = ['SOURCE_DATABASE_URL', 'WEBHOOK_LOG', 'log_monitor.sh process', missing].sort();
        assert.deepEqual(namesOf(seen, 'problem'), bad);
        assert.deepEqual(namesOf(seen, 'warning', 'unchecked'), []);
        assert.doesNotMatch(seen.said + (await doctorForPeople(broken)), /hunter2/);

        const { what, mend } = checkOf(seen, 'SOURCE_DATABASE_URL');
        assert.match(what, /password authentication failed for user "roundwarden"/);
        assert.match(mend!, /^correct the password in SOURCE_DATABASE_URL /);
        assert.match(checkOf(seen, missing).what, /it does not exist/);
        assert.match(checkOf(seen, missing).mend!, /GAMETIME_PATHS/);
        assert.match(checkOf(seen, 'WEBHOOK_LOG').what, /^stale: .*, the newest artifact is of /);
        assert.match(checkOf(seen, 'WEBHOOK_LOG').mend!, /^see that WEBHOOK_LOG names /);
        const monitors = checkOf(seen, 'log_monitor.sh process');
        assert.match(
          monitors.what,
          new RegExp(`^2 processes: ${pids[0]} on this host, ${pids[1]} on this host$`),
        );
        assert.match(monitors.mend!, new RegExp(`kill ${pids[1]}`));
        for (const { state, mend: toDo } of seen.checks) assert.equal(toDo === null, state === 'ok');

        const accepted = await doctor(broken, '--acceptance');
        assert.equal(accepted.code, 3);
        assert.deepEqual(namesOf(accepted, 'problem'), ['log_monitor.sh process']);
        assert.match(checkOf(accepted, 'R2 coverage').what, /because the source could not be opened/);
      });
    });
  });
});

test('wrong settings are lines of the table, and exit 2', async () => {
  await inInstallation(async ({ scene }) => {
    const wrong = { GRACE_MINUTES: 'soon', REPAIR: 'perhaps', SOURCE_DATABASE_URL: 'mysql://u:hunter2@h/d' };
    const mistaken = { ...scene, environment: { ...scene.environment, ...wrong } };
    const seen = await doctor(mistaken);
    assert.equal(seen.code, 2);
    assert.deepEqual(namesOf(seen, 'problem'), ['GRACE_MINUTES', 'REPAIR', 'SOURCE_DATABASE_URL']);
    assert.equal(seen.counts.ok, 0);
    assert.doesNotMatch(seen.said + (await doctorForPeople(mistaken)), /hunter2/);
  });
});

describe('doctor names', () => {
  /** Each mistake alone, in an installation that is well otherwise. */
  const one = (name: string, run: Parameters<typeof inInstallation>[0]) =>
    test(name, async () => {
      await inInstallation(run);
    });

  one('a database that refuses connections, and a file that is none', async ({ set }) => {
    const refused = await doctor(set({ SOURCE_DATABASE_URL: 'postgres://x:hunter2@127.0.0.1:9/stats' }));
    assert.deepEqual(namesOf(refused, 'problem'), ['SOURCE_DATABASE_URL']);
    assert.match(
      checkOf(refused, 'SOURCE_DATABASE_URL').mend!,
      /^start PostgreSQL, or correct host and port/,
    );
    assert.doesNotMatch(refused.said, /hunter2/);
    const absent = await doctor(set({ SOURCE_DATABASE_URL: 'sqlite:/nowhere/source.sqlite' }));
    assert.deepEqual(namesOf(absent, 'problem'), ['SOURCE_DATABASE_URL']);
    assert.match(checkOf(absent, 'SOURCE_DATABASE_URL').mend!, /^correct the path in SOURCE_DATABASE_URL/);
  });

  one('a source that is another database', async ({ scene, set }) => {
    const other = join(scene.directory, 'other.sqlite');
    await using(`sqlite:${other}`, ({ knex }) => knex.raw('create table notes (id integer)'));
    const seen = await doctor(set({ SOURCE_DATABASE_URL: `sqlite:${other}` }));
    assert.deepEqual(namesOf(seen, 'problem'), ['source tables']);
    assert.match(checkOf(seen, 'source tables').what, /it lacks rounds\.id/);
  });

  one(
    'a stale log by the newest round, and none where nobody played',
    async ({ scene, botLog, consoleLog }) => {
      const old = nowUnix - 3 * day;
      writeLog(botLog, logLine(old, 'Bot is ready'), nowUnix);
      utimesSync(consoleLog, old, old);
      const seen = await doctor(scene);
      assert.deepEqual(namesOf(seen, 'problem'), ['CONSOLE_LOG', 'WEBHOOK_LOG']);
      assert.match(checkOf(seen, 'CONSOLE_LOG').what, /^stale: .* the newest round is of /);
      await using(scene.sourceUrl, ({ knex }) =>
        knex('rounds')
          .where('id', '>', lostId + 1)
          .delete(),
      );
      const quiet = await doctor(scene);
      assert.equal(checkOf(quiet, 'WEBHOOK_LOG').state, 'ok');
      assert.equal(checkOf(quiet, 'CONSOLE_LOG').state, 'ok');
    },
  );

  one('a log that says nothing for a week, where nothing tells whether rounds were played', async (all) => {
    const blind = { SOURCE_DATABASE_URL: 'sqlite:/nowhere/source.sqlite', GAMETIME_PATHS: 'none' };
    for (const [days, state] of [
      [3, 'ok'],
      [8, 'problem'],
    ] as const) {
      writeLog(all.botLog, logLine(nowUnix - days * day, 'Bot is ready'), nowUnix);
      assert.equal(checkOf(await doctor(all.set(blind)), 'WEBHOOK_LOG').state, state);
    }
  });

  one('a log that is missing or empty, once', async ({ botLog, consoleLog, set }) => {
    writeFileSync(botLog, '');
    const seen = await doctor(set({ CONSOLE_LOG: `${consoleLog}.gone` }));
    assert.deepEqual(namesOf(seen, 'problem'), ['CONSOLE_LOG', 'WEBHOOK_LOG']);
    assert.match(checkOf(seen, 'CONSOLE_LOG').what, /it does not exist$/);
    assert.match(checkOf(seen, 'WEBHOOK_LOG').what, /not one line with a time/);
    assert.deepEqual(namesOf(seen, 'warning', 'unchecked'), []);
  });

  one('the offset of a bot that logs in UTC', async ({ scene, botLog }) => {
    const text = readFileSync(botLog, 'utf8');
    const shifted = text.replace(/^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})/gm, (local) => {
      const earlier = Date.parse(`${local.replace(' ', 'T')}Z`) - 5 * 3_600_000;
      return new Date(earlier).toISOString().slice(0, 19).replace('T', ' ');
    });
    // It is another file: an audit would have kept its lines under their first time.
    rmSync(join(scene.config.dataDir, 'ledger.sqlite'));
    rmSync(join(scene.config.dataDir, 'head.json'));
    writeLog(botLog, shifted, nowUnix - 2 * day);
    const seen = await doctor(scene);
    assert.match(checkOf(seen, 'clock of the bot').what, /^it shows UTC-[34]$/);
    assert.equal(checkOf(seen, 'WEBHOOK_LOG').state, 'ok');
    assert.deepEqual(namesOf(seen, 'unchecked'), ['LEDGER_DATABASE_URL']);
    assert.match(checkOf(seen, 'LEDGER_DATABASE_URL').mend!, /^run `roundwarden audit` once$/);
    assert.equal(seen.code, 3);
  });

  one('rounds that came in twice, with their days and a line', async ({ scene, botLog }) => {
    const end = nowUnix - day;
    const game = { map: 'supply', number: 2, start: end - 400, end };
    appendFileSync(botLog, botLines(game) + botLines(game));
    const seen = await doctor(scene);
    assert.deepEqual(namesOf(seen, 'problem'), ['duplicate ingestion']);
    assert.match(
      checkOf(seen, 'duplicate ingestion').what,
      /^1 round came in more than once \(\d{4}-\d\d-\d\d: 1\); the last at .*webhook\.log:\d+$/,
    );
  });

  one(
    'a module that is loaded twice, or not at all, or of which nothing is known',
    async ({ scene, consoleLog }) => {
      const set = (modules: string) => appendFileSync(consoleLog, `setl lua_modules "${modules}"\n`);
      set('luascripts/stats_discord_webhook.lua a.lua luascripts/stats_discord_webhook.lua');
      assert.match(checkOf(await doctor(scene), 'lua_modules').what, / 2 times$/);
      set('luascripts/team-lock.lua');
      const absent = await doctor(scene);
      assert.deepEqual(namesOf(absent, 'problem'), ['lua_modules']);
      writeFileSync(consoleLog, 'ClientConnect: 0\n');
      const unknown = await doctor(scene, '--acceptance');
      assert.deepEqual(namesOf(unknown, 'unchecked'), ['lua_modules', 'module version']);
      assert.equal(unknown.code, 3);
      writeFileSync(`${consoleLog}.1`, consoleLines);
      assert.equal((await doctor(scene, '--acceptance')).code, 0, 'an older part says it');
    },
  );

  one('a written off round without its packet, until there is one', async ({ scene }) => {
    rmSync(join(scene.config.dataDir, 'packets'), { recursive: true });
    const seen = await doctor(scene, '--acceptance');
    assert.deepEqual(namesOf(seen, 'problem'), ['triage packets']);
    const { what, mend } = checkOf(seen, 'triage packets');
    assert.match(what, new RegExp(`1 without a packet: ${lostId}$`));
    assert.equal(mend, `\`roundwarden explain ${lostId} --packet\`, for each of them`);
    assert.equal((await runCommand(scene, ['explain', String(lostId), '--packet'])).code, 0);
    assert.equal((await doctor(scene, '--acceptance')).code, 0);
  });

  one('second rounds that are covered less often than before', async ({ scene }) => {
    await using(scene.sourceUrl, ({ knex }) => knex('lua_round_teams').where({ id: 104 }).delete());
    rmSync(join(scene.directory, 'gametimes'), { recursive: true });
    const seen = await doctor(scene, '--acceptance');
    assert.match(checkOf(seen, 'R2 coverage').what, /^worse: 0 of 1 \(0.0 %\) since /);
    assert.equal(checkOf(seen, 'R2 coverage').state, 'problem');
    assert.equal(seen.code, 3);
  });

  one('a round that is not yet: the zone or a clock is wrong', async ({ scene }) => {
    await using(scene.sourceUrl, ({ knex }) =>
      knex('rounds').where({ id: 104 }).update({ round_date: '2099-01-01' }),
    );
    const seen = await doctor(scene);
    assert.ok(namesOf(seen, 'problem').includes('newest round'));
    assert.match(checkOf(seen, 'newest round').mend!, /SERVER_TIMEZONE/);
  });

  one('audits that do not run, with the line for cron', async ({ scene, set }) => {
    await using(scene.config.ledgerUrl, ({ knex }) =>
      knex('runs').update({ started_at: new Date((nowUnix - 3 * 3600) * 1000).toISOString() }),
    );
    const seen = await doctor(scene);
    assert.deepEqual(namesOf(seen, 'problem'), ['last audit']);
    assert.match(checkOf(seen, 'last audit').mend!, /\*\/3 \* \* \* \* .*audit --json/);
    const blind = await doctor(set({ SOURCE_DATABASE_URL: 'sqlite:/nowhere/source.sqlite' }));
    assert.deepEqual(namesOf(blind, 'problem'), ['SOURCE_DATABASE_URL'], 'they fail because of it');
  });

  one('who holds the lease, which is no problem', async ({ scene }) => {
    const holder = { host: hostname(), pid: process.pid, runId: 'r1' };
    await using(scene.config.ledgerUrl, (database) =>
      acquireLease(database, { name: 'work', holder, nowMs: Date.now(), ttlMs: 60_000 }),
    );
    const { state, what } = checkOf(await doctor(scene), 'lease');
    assert.equal(state, 'ok');
    assert.match(what, new RegExp(`^held by run r1 \\(process ${process.pid} on `));
  });

  one('a ledger that is behind, or was changed', async ({ scene }) => {
    const head = join(scene.config.dataDir, 'head.json');
    const content = JSON.parse(readFileSync(head, 'utf8'));
    writeFileSync(head, JSON.stringify({ ...content, seq: content.seq + 5, count: content.count + 5 }));
    const behind = await doctor(scene);
    assert.deepEqual(namesOf(behind, 'problem'), ['verify']);
    assert.match(checkOf(behind, 'verify').mend!, /accept-restore/);
    writeFileSync(head, JSON.stringify(content));
    await using(scene.config.ledgerUrl, async ({ knex }) => {
      await knex.raw('drop trigger entries_stay_equal');
      await knex('entries').where({ seq: 1 }).update({ at: '2020-01-01T00:00:00.000Z' });
    });
    assert.match(checkOf(await doctor(scene), 'verify').mend!, /--anchor/);
  });

  one('what could not be delivered, and that nobody is told', async ({ scene }) => {
    const at = new Date().toISOString();
    await using(scene.config.ledgerUrl, ({ knex }) =>
      knex('outbox').insert({
        ...{ id: 'x', message_key: 'x', channel: 'discord', message: '{}', state: 'dead', attempts: 9 },
        ...{ created_at: at, next_at: at, error: 'HTTP 404' },
      }),
    );
    const { ALERT_WEBHOOK_URL: _, ...environment } = scene.environment;
    const seen = await doctor({ ...scene, environment });
    assert.deepEqual(namesOf(seen, 'problem'), ['dead letters']);
    assert.match(checkOf(seen, 'dead letters').what, /1 message given up, the last by discord: HTTP 404/);
    assert.deepEqual(namesOf(seen, 'warning'), ['channels']);
  });

  one('the old service, and a bot that runs twice or not at all', async ({ scene, set }) => {
    const twice = {
      systemctl: serviceOn,
      ps: 'echo "1 0 python3 -m bot.ultimate_bot"; echo "2 0 python3 -m bot"',
    };
    const seen = await doctor(set(hostWith(scene.directory, twice)));
    assert.deepEqual(namesOf(seen, 'problem'), ['bot process', 'et-stats-webhook.service on this host']);
    assert.match(checkOf(seen, 'bot process').what, /^2 processes: 1 on this host, 2 on this host$/);
    assert.equal(
      checkOf(seen, 'et-stats-webhook.service on this host').mend,
      'sudo systemctl disable --now et-stats-webhook.service',
    );
    const none = await doctor(set(hostWith(scene.directory, { ps: 'echo "1 0 init"' })));
    assert.deepEqual(namesOf(none, 'problem'), ['bot process']);
    assert.deepEqual(namesOf(none, 'warning'), ['log_monitor.sh process']);
  });
});
