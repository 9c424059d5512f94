import assert from 'node:assert/strict';
import { it } from 'node:test';
import { withLedger } from '../../src/context.ts';
import type { Message } from '../../src/core/message.ts';
import { addDays, localDay } from '../../src/core/time.ts';
import { readMail, refusingPort, withSmtp } from '../alert/servers.ts';
import { forEachDatabase } from '../databases.ts';
import { captureRow, type Game, game, gametime, roundRow, unix, zone } from './games.ts';
import { inWorld, type World } from './setup.ts';

/** A hook that nobody listens to: what is queued for it stays, so that a test can read it. */
const settings = { ALERT_WEBHOOK_URL: 'http://127.0.0.1:9/alerts' };

const covered = game('supply', 1, '2026-06-10 21:00:00');
const lost = game('supply', 2, '2026-06-10 21:12:00');
const next = game('te_escape2', 2, '2026-06-10 21:40:00');
const rounds = [roundRow(1, covered), roundRow(2, lost)];
const captures = [captureRow(11, covered, 1)];
const evening = { rounds, captures, settings };

/** A cycle, as cron starts it, so many minutes after the lost round. */
async function cycle(world: World, minutes: number, more: Record<string, string> = {}): Promise<void> {
  const now = (lost.end + 3 + minutes * 60) * 1000;
  const until = localDay(now / 1000, zone);
  const scope = { kind: 'lookback', since: addDays(until, -7), until } as const;
  await world.audit({ now: new Date(now).toISOString(), scope, settings: more });
}

/** Everything that was ever queued, the oldest first. */
function messages(world: World): Promise<Message[]> {
  return withLedger(world.config(), async ({ database }) => {
    const rows: { message: string }[] = await database.knex('outbox').select('message').orderBy('created_at');
    return rows.map(({ message }) => JSON.parse(message) as Message);
  });
}

const levels = async (world: World) => (await messages(world)).map(({ level }) => level);

async function insert(world: World, table: string, row: object): Promise<void> {
  await world.inSource((database) => database.knex(table).insert(row));
}

async function heal(world: World, of: Game, id: number): Promise<void> {
  const { axis_players, allies_players, lua_pause_events, ...row } = captureRow(100 + id, of, id);
  const json = { axis_players, allies_players, lua_pause_events };
  const text = Object.fromEntries(
    Object.entries(json).map(([column, value]) => [column, JSON.stringify(value ?? [])]),
  );
  await insert(world, 'lua_round_teams', { ...row, ...text });
}

forEachDatabase('Alerts of an audit that runs every three minutes', (kind) => {
  it('come at the first run after the grace time, once, urgent once, and healing sends one line', () =>
    inWorld(kind, evening, async (world) => {
      for (const minutes of [0, 3]) await cycle(world, minutes);
      assert.deepEqual(await levels(world), []);
      await cycle(world, 6);
      assert.deepEqual(await levels(world), ['alert']);
      for (let minutes = 9; minutes <= 60; minutes += 3) await cycle(world, minutes);
      assert.deepEqual(await levels(world), ['alert', 'urgent']);
      await heal(world, lost, 2);
      await cycle(world, 63);
      await cycle(world, 66);
      const [alert, urgent, recovery, ...more] = await messages(world);
      assert.deepEqual(more, []);
      assert.match(alert!.title, /^\[test\] 1 round without a capture in session 1: supply R2$/);
      assert.match(urgent!.title, /urgent/);
      assert.equal(recovery!.title, '[test] recovered: session 1, 1 arrived late after 1 h 3 min');
      assert.equal(alert!.gaps[0]!.roundId, 2);
      assert.match(alert!.gaps[0]!.because, /^unknown: no log covers its time$/);
      const entries = (await world.entries()).filter(({ kind }) => kind.startsWith('alert.'));
      assert.deepEqual(
        entries.map(({ kind }) => kind),
        ['alert.raised', 'alert.urgent', 'alert.recovered'],
      );
    }));

  const runs = kind === 'sqlite' ? 1_000 : 60;
  it(`are not repeated in ${runs} further runs, and a mail server that is down loses none of them`, () =>
    inWorld(kind, { ...evening, settings: {} }, async (world) => {
      const port = await refusingPort();
      const patient = {
        SETTLE_HOURS: '72',
        SMTP_URL: `smtp://127.0.0.1:${port}`,
        MAIL_FROM: 'rw@example.org',
        MAIL_TO: 'ops@example.org',
      };
      // Two hours without a mail server: the alert and the urgent one wait.
      for (let minutes = 0; minutes <= 120; minutes += 3) await cycle(world, minutes, patient);
      assert.deepEqual(await levels(world), ['alert', 'urgent']);
      await withSmtp({ port }, async (_, mails) => {
        for (let run = 1; run <= runs; run++) await cycle(world, 120 + run * 3, patient);
        assert.equal(mails.length, 2);
        await heal(world, lost, 2);
        for (const run of [1, 2, 3]) await cycle(world, 120 + (runs + run) * 3, patient);
        assert.equal(mails.length, 3);
        const keys = mails.map((mail) => readMail(mail).headers.get('x-roundwarden-key'));
        assert.equal(new Set(keys).size, 3);
      });
    }));

  it('send nothing for a gap that is repaired in the run that found it', () =>
    inWorld(kind, { ...evening, artifacts: [gametime(lost)] }, async (world) => {
      await cycle(world, 6);
      assert.deepEqual(await levels(world), []);
      assert.equal((await world.entries('repair.done')).length, 1);
    }));

  it('are urgent at two second rounds in a row', () =>
    inWorld(kind, evening, async (world) => {
      await cycle(world, 6);
      await insert(world, 'rounds', roundRow(3, next));
      await cycle(world, (next.end - lost.end) / 60 - 1);
      await cycle(world, (next.end - lost.end) / 60 + 6);
      assert.deepEqual(await levels(world), ['alert', 'urgent']);
      assert.match((await messages(world))[1]!.title, /two second rounds in a row/);
    }));

  it('tell of a plan that MAX_REPAIRS stopped, once', () =>
    inWorld(kind, { ...evening, artifacts: [gametime(lost)] }, async (world) => {
      await insert(world, 'rounds', roundRow(3, next));
      world.putArtifact(gametime(next));
      const limited = async (minutes: number) => {
        const now = new Date((next.end + minutes * 60) * 1000).toISOString();
        await world.audit({ now, settings: { MAX_REPAIRS: '1' } });
      };
      await limited(6);
      await limited(9);
      const stopped = (await messages(world)).filter(({ level }) => level === 'stopped');
      assert.equal(stopped.length, 1);
      assert.match(stopped[0]!.command!, /^roundwarden audit --all --expect [0-9a-f]{64}$/);
    }));

  it('are not sent by a run that looks at a part only', () =>
    inWorld(kind, evening, async (world) => {
      const now = new Date((lost.end + 600) * 1000).toISOString();
      await world.audit({ now, scope: { kind: 'round', roundId: 2 } });
      assert.deepEqual(await levels(world), []);
      assert.equal(unix('2026-06-10 21:12:00'), lost.end);
    }));
});
