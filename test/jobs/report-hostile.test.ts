import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { simpleParser } from 'mailparser';
import { makeReport, sendReports } from '../../jobs/report.ts';
import { listReports, sourceFolder } from '../../jobs/report-files.ts';
import { r2Sentence } from '../../reports/words.ts';
import { withLedger } from '../../src/context.ts';
import { addDays } from '../../src/core/time.ts';
import { append } from '../../src/ledger/append.ts';
import { type Mail, refusingPort, withSmtp } from '../alert/servers.ts';
import { forEachDatabase } from '../databases.ts';
import { incidentBeginning, reportOf, theMorningAfter } from '../reports/world.ts';
import { captureRow, game, gametime, roundRow, timingOf } from './games.ts';
import { inWorld, type World } from './setup.ts';

const first = game('supply', 1, '2026-03-01 21:00:00');
const second = game('supply', 2, '2026-03-01 21:20:00');
const elsewhere = gametime(game('elsewhere', 1, '2026-02-20 20:00:00'));
const now = '2026-03-03T06:10:00.000Z';
const day = '2026-03-01';

/** A covered first round, and a second one without a capture. */
const evening = (more: Parameters<typeof roundRow>[2] = {}) => ({
  rounds: [roundRow(1, first, timingOf(first)), roundRow(2, second, more)],
  captures: [captureRow(11, first, 1)],
  artifacts: [elsewhere],
});

const mailTo = (port: number) => ({
  SMTP_URL: `smtp://127.0.0.1:${port}`,
  MAIL_FROM: 'rw@example.org',
  MAIL_TO: 'ops@example.org',
});

const send = (world: World, of: { port: number; now: string; settings?: Record<string, string> }) =>
  sendReports({
    config: world.config({ ...mailTo(of.port), ...of.settings }),
    nowMs: Date.parse(of.now),
  });

const daysOf = async (mails: readonly Mail[]) => {
  const read = await Promise.all(mails.map(({ raw }) => simpleParser(Buffer.from(raw, 'latin1'))));
  return read.map(({ subject }) => /\d{4}-\d{2}-\d{2}/.exec(subject ?? '')?.[0]);
};

forEachDatabase('A report of rows that are out of order', (kind) => {
  it('adds up where a row of the day has a clock that cannot be read, and calls the day not covered', () =>
    inWorld(kind, evening({ round_time: '2561' }), async (world) => {
      await world.audit({ now });
      const { title, state, discrepancies, coverage } = await reportOf(world, { day }, now);
      assert.deepEqual(discrepancies, []);
      assert.deepEqual([coverage.rows, coverage.live, coverage.open.unchecked], [2, 1, 1]);
      assert.equal(title, '[test] 2026-03-01: the only round is covered; 1 row without a readable time');
      assert.equal(state, 'gaps');
    }));

  it('adds up where a summary has one, and counts it on every day as an audit does', () =>
    inWorld(kind, evening({ round_number: 0, round_time: 'noon' }), async (world) => {
      await world.audit({ now });
      for (const one of [day, '2026-03-02']) {
        const { discrepancies, coverage, state } = await reportOf(world, { day: one }, now);
        assert.deepEqual([discrepancies, coverage.exempt.summary], [[], 1]);
        assert.equal(state, one === day ? 'covered' : 'no_rounds');
      }
    }));

  it('names a round of no readable date once, and not among those of earlier days too', () =>
    inWorld(kind, evening({ round_date: '2026-02-30' }), async (world) => {
      await world.audit({ now });
      for (const one of [day, '2026-03-02']) {
        const { exceptions, earlier } = await reportOf(world, { day: one }, now);
        assert.deepEqual([exceptions.length, earlier.open], [1, []]);
      }
    }));

  it('is of a whole session, also where the date of one of its rows cannot be read', () =>
    inWorld(kind, evening({ round_date: '2026-02-30' }), async (world) => {
      await world.audit({ now });
      const { window, coverage, discrepancies } = await reportOf(world, { session: 1 }, now);
      assert.deepEqual(window, { kind: 'session', session: 1, since: day, until: day });
      assert.deepEqual([coverage.rows, coverage.open.unchecked, discrepancies], [2, 1, []]);
      await world.inSource(({ knex }) => knex('rounds').update({ round_date: null }));
      await assert.rejects(reportOf(world, { session: 1 }, now), /no row of session 1 .* has a date/);
    }));

  it('gives no old reason for a gap that no audit has looked at', () =>
    inWorld(kind, evening(), async (world) => {
      await world.audit({ now });
      await world.decide(2, { kind: 'incident.reopened' }, now);
      const reopened = (await reportOf(world, { day }, now)).exceptions[0]!;
      assert.deepEqual([reopened.verdict, reopened.reason], ['unchecked', null]);
      assert.equal(reopened.because, 'it was reopened, and no audit has looked at it since');
      const earlier = (await reportOf(world, { day: '2026-03-02' }, now)).earlier.open[0]!;
      assert.deepEqual([earlier.verdict, earlier.because], ['unchecked', reopened.because]);
    }));

  it('lists a repair of its rounds that was reverted', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      await world.audit({ now: theMorningAfter });
      const undone = (await world.entries('repair.started')).find(({ key }) => key.includes('adlernest|1|'))!;
      await world.revert(undone.seq, '2026-02-18T06:05:00.000Z');
      const { repairs, coverage } = await reportOf(world, { day: '2026-02-11' });
      assert.equal(coverage.repaired, 9);
      assert.deepEqual(repairs.map(({ reverted }) => reverted).sort(), [
        ...Array<boolean>(9).fill(false),
        true,
      ]);
    }));

  it('does not say that no second round was played while the live pipeline has its time', () =>
    inWorld(kind, evening(), async (world) => {
      const soon = new Date((second.end + 60) * 1000).toISOString();
      const report = await reportOf(world, { day }, soon);
      assert.match(r2Sentence(report), /^Every second round of 2026-03-01 is so young/);
      assert.match(report.title, /1 of 2 rounds covered, 1 still pending/);
    }));

  it('says nothing of a day that has not begun on the server', () =>
    inWorld(kind, evening(), async (world) => {
      // In Ljubljana the day begins an hour before it does in UTC.
      const today = await reportOf(world, { day }, '2026-02-28T23:00:00.000Z');
      assert.deepEqual(today.coverage.rows, 2);
      await assert.rejects(reportOf(world, { day }, '2026-02-28T22:59:59.000Z'), /has not begun/);
    }));
});

forEachDatabase('What is owed', (kind) => {
  it('is made up for also after a hundred days that people asked for by name', () =>
    inWorld(kind, evening(), (world) =>
      withSmtp({}, async (port, mails) => {
        await send(world, { port, now: '2026-03-10T06:10:00.000Z' });
        await withLedger(world.config(), async (ledger) => {
          const drafts = Array.from({ length: 120 }, (_, at) => {
            const named = addDays('2025-01-01', at);
            const body = { run: 'test', day: named, byHand: true, title: '', state: 'covered', sha256: '' };
            return { kind: 'report.made' as const, source: 'test', key: `report:${named}`, body };
          });
          await append(ledger, drafts, '2026-03-10T07:00:00.000Z');
        });
        await send(world, { port, now: '2026-03-12T06:10:00.000Z' });
        await send(world, { port, now: '2026-03-12T06:20:00.000Z' });
        assert.deepEqual(await daysOf(mails), ['2026-03-09', '2026-03-10', '2026-03-11']);
        assert.equal((await world.entries('report.made')).length, 123);
      }),
    ));

  it('is not mailed where its files cannot be written, holds nothing else up, and is made up for', () =>
    inWorld(kind, evening(), async (world) => {
      const port = await refusingPort();
      await send(world, { port, now: '2026-03-10T06:10:00.000Z' });
      const folder = join(world.dataDir, 'reports');
      rmSync(folder, { recursive: true });
      writeFileSync(folder, 'no folder');
      await withSmtp({ port }, async (_, mails) => {
        const asked = send(world, { port, now: '2026-03-11T06:10:00.000Z' });
        await assert.rejects(asked, /cannot write the report 2026-03-10/);
        assert.deepEqual(await daysOf(mails), ['2026-03-09']);
        rmSync(folder);
        await send(world, { port, now: '2026-03-12T06:10:00.000Z' });
        assert.deepEqual(await daysOf(mails), ['2026-03-09', '2026-03-10', '2026-03-11']);
      });
    }));

  it('is left as it was where the ledger cannot take the mail: no entry, and both come the next time', () =>
    inWorld(kind, evening(), (world) =>
      withSmtp({}, async (port, mails) => {
        await send(world, { port, now: '2026-03-10T06:10:00.000Z' });
        const renamed = (from: string, to: string) =>
          withLedger(world.config(), ({ database }) => database.knex.schema.renameTable(from, to));
        await renamed('outbox', 'outbox_elsewhere');
        await assert.rejects(send(world, { port, now: '2026-03-11T06:10:00.000Z' }), /outbox/);
        assert.equal((await world.entries('report.made')).length, 1);
        await renamed('outbox_elsewhere', 'outbox');
        await send(world, { port, now: '2026-03-11T06:20:00.000Z' });
        assert.deepEqual(await daysOf(mails), ['2026-03-09', '2026-03-10']);
      }),
    ));
});

forEachDatabase('The mail of a hostile world', (kind) => {
  const name = 'x\r\nBcc: victim@example.org\r\n\r\n<script>alert(1)</script>\u202e🎮';
  const map = 'a\r\nX-Evil: 1 \u202etxt.exe <img src=x onerror=alert(1)> 🎮 | `rm` **b**';

  it('has no header, mark-up or direction of writing from the name of a source or a map', () =>
    inWorld(kind, evening({ map_name: map }), (world) =>
      withSmtp({}, async (port, mails) => {
        const settings = { SOURCE_NAME: name };
        await world.audit({ now: '2026-03-02T06:05:00.000Z', settings });
        await send(world, { port, now: '2026-03-02T06:10:00.000Z', settings });
        const mail = await simpleParser(Buffer.from(mails[0]!.raw, 'latin1'));
        assert.deepEqual([mail.headers.has('bcc'), mail.headers.has('x-evil')], [false, false]);
        assert.deepEqual(mails[0]!.to, ['ops@example.org']);
        assert.match(mail.subject!, /^\[x {2}Bcc: victim@example\.org/);
        assert.doesNotMatch(String(mail.html), /<script|<img src=x|\u202e/);
        assert.doesNotMatch(`${mail.subject}${mail.text}`, /\u202e|^X-Evil|^Bcc/m);
      }),
    ));

  it('stays small where three hundred rounds are lost at once', () => {
    const games = Array.from({ length: 300 }, (_, at) => {
      const end = first.end - 70_000 + at * 200;
      return { map: `map ${at % 40}`, number: 1 + (at % 2), start: end - 150, end };
    });
    const rounds = games.map((of, at) =>
      roundRow(at + 1, of, { match_id: `m${at}`, gaming_session_id: at % 7 }),
    );
    const beginning = { rounds, artifacts: [elsewhere] };
    return inWorld(kind, beginning, (world) =>
      withSmtp({}, async (port, mails) => {
        await world.audit({ now });
        const { made } = await send(world, { port, now: '2026-03-02T06:10:00.000Z' });
        assert.deepEqual(made[0]!.report.discrepancies, []);
        const { lost, rows } = made[0]!.report.coverage;
        assert.ok(lost > 200, `${lost} of ${rows}`);
        const mail = await simpleParser(Buffer.from(mails[0]!.raw, 'latin1'), { skipImageLinks: true });
        assert.ok(Buffer.byteLength(String(mail.html)) < 100_000, `${Buffer.byteLength(String(mail.html))}`);
        assert.ok(mails[0]!.raw.length < 2_000_000, `the mail has ${mails[0]!.raw.length} bytes`);
      }),
    );
  });
});

forEachDatabase('The files of a report', (kind) => {
  const make = (world: World, settings: Record<string, string> = {}) =>
    makeReport({
      config: world.config(settings),
      asked: { day },
      formats: ['html'],
      nowMs: Date.parse(now),
    });

  it('of one source are not those of another whose name only differs in what a folder cannot hold', () =>
    inWorld(kind, evening(), async (world) => {
      const names = ['prod a', 'prod_a', 'prod/a', 'PROD_A', 'x'.repeat(70), 'x'.repeat(71), '../..', '..'];
      const made = new Set<string>();
      for (const SOURCE_NAME of names)
        for (const path of (await make(world, { SOURCE_NAME })).paths) made.add(path);
      assert.equal(made.size, 2 * names.length);
      assert.equal(sourceFolder('prod_a'), 'prod_a');
      for (const path of made) assert.ok(path.startsWith(join(world.dataDir, 'reports/')), path);
      assert.equal(listReports(world.config()).length, names.length);
    }));

  it('are written over no link and remove none of what is not theirs', () =>
    inWorld(kind, evening(), async (world) => {
      const folder = join(world.dataDir, 'reports', 'test');
      mkdirSync(join(folder, '2020-01-01.json'), { recursive: true });
      const secret = join(world.dataDir, 'secret');
      writeFileSync(secret, 'secret');
      symlinkSync(join(world.dataDir, 'nowhere'), join(folder, 'session-7.json'));
      symlinkSync(secret, join(folder, `${day}.html`));
      symlinkSync(secret, join(folder, `${day}.json.${process.pid}.tmp`));
      writeFileSync(join(folder, 'package.json'), '{}');
      writeFileSync(join(world.dataDir, 'reports', 'index.json'), '{"half":');
      await make(world);
      assert.equal(readFileSync(secret, 'utf8'), 'secret');
      assert.ok(existsSync(join(folder, '2020-01-01.json')));
      assert.deepEqual(
        listReports(world.config()).map((one) => one.name),
        [`test/${day}`],
      );
    }));
});
