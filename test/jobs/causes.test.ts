import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withLedger } from '../../src/context.ts';
import { localStamp, localText } from '../../src/core/time.ts';
import { refusingPort } from '../alert/servers.ts';
import { forEachDatabase } from '../databases.ts';
import { captureRow, game, gametime, roundRow, zone } from './games.ts';
import { causesOf, fixture, inWorld, lineOf, longAfter } from './setup.ts';

const folder = mkdtempSync(join(tmpdir(), 'roundwarden-causes-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const consoles = fileURLToPath(new URL('../fixtures/consoles', import.meta.url));
const samples = readdirSync(consoles).flatMap((version) =>
  readdirSync(join(consoles, version)).map((name) => `${version}/${name.replace('.log', '')}`),
);

/** The cases in which the module crashed after the end; it sent every other round that it saw end. */
const crashed = new Set(['1.6.0/r2frac', '1.6.0/r2cap', '1.6.2/pausefrac', '1.6.2/pauseint']);
/** A restart in mid-round: the first version said nothing of an end. */
const unseen = new Set(['1.6.0/restart_midround']);

/** The round that a sample's console tells of, as its lines name it. */
function roundOf(sample: string) {
  const text = readFileSync(join(consoles, `${sample}.log`), 'latin1');
  const end = Number(/Round ended at (\d+)/.exec(text)?.[1] ?? /-(\d+)\.json/.exec(text)?.[1] ?? 1771447948);
  const sent = /Sending webhook for (.+) R(\d) \(/.exec(text);
  const map = sent?.[1] ?? /New map detected: (.+) - /.exec(text)![1]!;
  return { map, number: Number(sent?.[2] ?? (sample.includes('r2') ? 2 : 1)), start: end - 400, end };
}

/** A line of the bot's log two seconds after the file of a round. */
function triggerLine(of: ReturnType<typeof roundOf>): string {
  const at = localText(of.end + 5, zone);
  const file = `${localStamp(of.end + 3, zone)}-${of.map}-round-${of.number}.txt`;
  return `${at} | INFO     | bot.webhook | 📥 Webhook trigger validated: ${file}\n`;
}

describe('The console log of each case of each module version', () => {
  for (const sample of samples) {
    const of = roundOf(sample);
    const [alone, withBot] = crashed.has(sample)
      ? ['module_crashed', 'module_crashed']
      : ['unknown', 'never_received'];
    test(`${sample}: ${alone}; where the bot got the file and no message, ${withBot}`, () =>
      inWorld('sqlite', { rounds: [roundRow(1, of)] }, async (world) => {
        const CONSOLE_LOG = join(consoles, `${sample}.log`);
        const bot = join(folder, `${sample.replace('/', '-')}.log`);
        writeFileSync(bot, triggerLine(of));
        const console = lineOf(await world.plan({ settings: { CONSOLE_LOG } }), 1).cause!;
        assert.equal(console.code, alone, console.because);
        if (alone === 'unknown')
          assert.match(console.because, unseen.has(sample) ? /no log covers/ : /the module sent the round/);
        else
          assert.match(console.evidence.map(({ text }) => text).join('\n'), /bad argument #\d to 'format'/);
        const both = await world.plan({ settings: { CONSOLE_LOG, WEBHOOK_LOG: bot } });
        assert.deepEqual(causesOf(both), { 1: withBot });
      }));
  }
});

const first = game('supply', 1, '2026-06-10 21:00:00');
const second = game('supply', 2, '2026-06-10 21:12:00');
const evening = { rounds: [roundRow(1, first), roundRow(2, second)], captures: [captureRow(11, first, 1)] };

forEachDatabase('Evidence', (kind) => {
  it('of one source is not taken for that of another in the same ledger', () =>
    inWorld(kind, evening, async (world) => {
      const path = join(folder, `shared-${kind}.log`);
      writeFileSync(path, triggerLine(second));
      assert.deepEqual(causesOf(await world.audit({ settings: { WEBHOOK_LOG: path } })), {
        2: 'never_received',
      });
      const other = await world.plan({ settings: { SOURCE_NAME: 'other' } });
      assert.deepEqual(causesOf(other), { 2: 'unknown' });
    }));

  it('outlives the log that it was read from, and stands in the ledger with its file and line', () =>
    inWorld(kind, evening, async (world) => {
      const path = join(folder, `emptied-${kind}.log`);
      const console = join(folder, `console-${kind}.log`);
      const settings = { WEBHOOK_LOG: path, CONSOLE_LOG: console };
      writeFileSync(path, `noise\n${triggerLine(second)}`);
      writeFileSync(console, '');
      const audit = () => world.audit({ now: new Date((second.end + 600) * 1000).toISOString(), settings });
      await audit();
      const [found] = await world.entries('gap.found');
      const { cause } = found!.body as {
        cause: { code: string; evidence: { file: string; line: number }[] };
      };
      assert.equal(cause.code, 'never_received');
      assert.deepEqual([cause.evidence[0]!.file, cause.evidence[0]!.line], [path, 2]);
      writeFileSync(path, 'emptied\n');
      const entries = await world.entries();
      assert.deepEqual(causesOf(await audit()), { 2: 'never_received' });
      assert.deepEqual(await world.entries(), entries, 'nothing new is owed');
    }));

  it('that comes later makes a new entry, once', () =>
    inWorld(kind, evening, async (world) => {
      const path = join(folder, `late-${kind}.log`);
      writeFileSync(path, 'noise\n');
      const audit = (minutes: number) =>
        world.audit({
          now: new Date((second.end + minutes * 60) * 1000).toISOString(),
          settings: { WEBHOOK_LOG: path },
        });
      assert.deepEqual(causesOf(await audit(10)), { 2: 'unknown' });
      appendFileSync(path, triggerLine(second));
      for (const minutes of [13, 16])
        assert.deepEqual(causesOf(await audit(minutes)), { 2: 'never_received' });
      const changes = await world.entries('gap.changed');
      assert.equal(changes.length, 1);
      renameSync(path, `${path}.1`);
      writeFileSync(path, 'noise\n');
      await audit(19);
      assert.equal((await world.entries('gap.changed')).length, 1);
    }));

  it('that comes after its round was written off makes one entry more, and the round stays written off', () =>
    inWorld(kind, evening, async (world) => {
      const path = join(folder, `after-${kind}.log`);
      writeFileSync(path, triggerLine(second));
      const alerts = { ALERT_WEBHOOK_URL: `http://127.0.0.1:${await refusingPort()}/` };
      const hoursAfter = (hours: number) => new Date((second.end + hours * 3600) * 1000).toISOString();
      const now = hoursAfter(26);
      const told = () =>
        withLedger(world.config(), async ({ database }) => {
          const rows: { message_key: string }[] = await database.knex('outbox').select('message_key');
          return rows.map((row) => row.message_key);
        });
      for (const hours of [1, 26])
        assert.deepEqual(causesOf(await world.audit({ now: hoursAfter(hours), settings: alerts })), {
          2: 'unknown',
        });
      const [opened] = await world.entries('gap.found');
      const messages = await told();
      assert.ok(messages.length > 0);
      const settings = { ...alerts, WEBHOOK_LOG: path };
      for (const _ of ['first', 'second'])
        assert.deepEqual(causesOf(await world.audit({ now, settings })), { 2: 'never_received' });
      assert.deepEqual(await told(), messages, 'nobody is alerted again');
      const changes = await world.entries('gap.changed');
      assert.deepEqual(
        changes.map(({ body }) => (body as { cause: { code: string } }).cause.code),
        ['never_received'],
      );
      assert.equal((await world.entries('gap.written_off')).length, 1);
      const incident = await world.incident(2);
      assert.deepEqual(
        [incident.status, incident.verdict, (incident.cause as { code: string }).code, incident.id],
        ['written_off', 'lost', 'never_received', opened!.seq],
      );
      // Without the log nothing is owed either: what was proved stays so.
      const entries = await world.entries();
      await world.audit({ now, settings: alerts });
      assert.deepEqual(await world.entries(), entries);
    }));

  it('is the same for a plan, which writes nothing, as for the audit', () =>
    inWorld(kind, evening, async (world) => {
      const path = join(folder, `plan-${kind}.log`);
      writeFileSync(path, triggerLine(second));
      const asked = { settings: { WEBHOOK_LOG: path } };
      const planned = await world.plan(asked);
      assert.deepEqual(causesOf(planned), { 2: 'never_received' });
      assert.deepEqual(await world.entries(), []);
      assert.deepEqual(causesOf(await world.audit(asked)), causesOf(planned));
      assert.deepEqual(
        causesOf(await world.plan(asked)),
        causesOf(planned),
        'what is stored is not read twice',
      );
    }));

  it('that cannot be read is said, and makes no cause and no verdict', () =>
    inWorld(kind, evening, async (world) => {
      const directory = join(folder, `directory-${kind}.log`);
      mkdirSync(directory, { recursive: true });
      const result = await world.audit({ settings: { WEBHOOK_LOG: `${directory},${folder}/none.log` } });
      assert.deepEqual(causesOf(result), { 2: 'unknown' });
      assert.equal(lineOf(result, 2).verdict, 'lost');
      assert.deepEqual(
        result.unreadLogs.map(({ path, why }) => [path, why]),
        [
          [`${folder}/none.log`, 'it does not exist'],
          [directory, 'it is no regular file'],
        ],
      );
    }));

  it('of duplicate ingestion is counted per day, with its lines', () =>
    inWorld(kind, fixture('season-2026'), async (world) => {
      const { duplicates } = await world.plan();
      const { expected } = fixture('season-2026');
      assert.equal(expected.length, 390);
      assert.equal(
        Object.values(duplicates.perDay).reduce((sum, count) => sum + count),
        duplicates.rounds.length,
      );
      assert.equal(duplicates.perDay['2026-02-25'], 4);
      const [one] = duplicates.rounds;
      assert.deepEqual([one!.map, one!.number, one!.received, one!.stored], ['etl_frostbite', 2, 2, 2]);
      assert.deepEqual(
        one!.lines.map(({ line }) => line),
        [16, 18, 19, 20],
      );
    }));
});

forEachDatabase('The triage packet of a lost round', (kind) => {
  it('that is covered and lost again does not replace the first one', () =>
    inWorld(kind, evening, async (world) => {
      await world.audit({ now: longAfter });
      const capture = {
        ...captureRow(12, second, 2),
        axis_players: '[]',
        allies_players: '[]',
        lua_pause_events: '[]',
      };
      await world.inSource((database) => database.knex('lua_round_teams').insert(capture));
      await world.audit({ now: '2026-08-01T12:03:00.000Z' });
      await world.inSource((database) => database.knex('lua_round_teams').where({ id: 12 }).delete());
      await world.audit({ now: '2026-08-01T12:06:00.000Z' });
      const lost = await world.entries('gap.written_off');
      const paths = lost.map(({ body }) => (body as { packet: { path: string } }).packet.path);
      assert.equal(new Set(paths).size, 2);
      for (const { body } of lost) {
        const { packet } = body as { packet: { path: string; sha256: string } };
        const sums = readFileSync(join(packet.path, 'SHA256SUMS'));
        assert.equal(createHash('sha256').update(sums).digest('hex'), packet.sha256);
      }
    }));

  it('is whole, and the ledger entry of the write-off carries its checksum', () =>
    inWorld(kind, { ...evening, artifacts: [gametime(first)] }, async (world) => {
      await world.audit({ now: longAfter });
      const [lost] = await world.entries('gap.written_off');
      const { packet } = lost!.body as { packet: { path: string; sha256: string } };
      const sums = readFileSync(join(packet.path, 'SHA256SUMS'), 'utf8');
      const hash = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');
      assert.equal(hash(sums), packet.sha256);
      const files = sums
        .trim()
        .split('\n')
        .map((line) => line.split('  ') as [string, string]);
      for (const [sum, name] of files) assert.equal(hash(readFileSync(join(packet.path, name))), sum, name);
      assert.deepEqual(
        JSON.parse(readFileSync(join(packet.path, 'rows', 'rounds.json'), 'utf8')).map(
          ({ id }: { id: number }) => id,
        ),
        [1, 2],
      );
      assert.equal(readdirSync(join(world.dataDir, 'packets')).length, 1);
    }));
});
