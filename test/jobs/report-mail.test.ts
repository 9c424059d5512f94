import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type ParsedMail, simpleParser } from 'mailparser';
import { notify } from '../../jobs/notify.ts';
import { sendReports } from '../../jobs/report.ts';
import { type Report, reportSchema } from '../../reports/model.ts';
import { type Mail, refusingPort, withSmtp } from '../alert/servers.ts';
import { forEachDatabase } from '../databases.ts';
import { incidentBeginning, theMorningAfter } from '../reports/world.ts';
import { inWorld, type World } from './setup.ts';

const mailTo = (port: number): Record<string, string> => ({
  SMTP_URL: `smtp://127.0.0.1:${port}`,
  MAIL_FROM: 'Roundwarden <rw@example.org>',
  MAIL_TO: 'ops@example.org',
});

const send = (
  world: World,
  of: { port: number; now: string; day?: string; settings?: Record<string, string> },
) =>
  sendReports({
    config: world.config({ ...mailTo(of.port), ...of.settings }),
    nowMs: Date.parse(of.now),
    day: of.day,
  });

const parsed = (mail: Mail): Promise<ParsedMail> => simpleParser(Buffer.from(mail.raw, 'latin1'));
const subjects = async (mails: readonly Mail[]) =>
  (await Promise.all(mails.map(parsed))).map(({ subject }) => subject?.replace(/^\[test\] (\S+):.*$/s, '$1'));

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

forEachDatabase('The mail of a report', (kind) => {
  it('has the page, the same as text, each chart as a picture that the page shows, and the JSON', () =>
    inWorld(kind, incidentBeginning, (world) =>
      withSmtp({}, async (port, mails) => {
        await world.audit({ now: theMorningAfter });
        const { made } = await send(world, { port, now: theMorningAfter, day: '2026-02-16' });
        assert.deepEqual([made.length, mails.length], [1, 1]);
        const mail = await parsed(mails[0]!);
        const { report } = made[0]!;
        assert.equal(mail.subject, report.title);
        assert.deepEqual([mails[0]!.from, mails[0]!.to], ['rw@example.org', ['ops@example.org']]);
        assert.match(mail.text!, /^# \[test\] 2026-02-16: 4 of 12 rounds without a capture/);
        assert.match(mail.text!, /\* \*\*etl_adlernest R2\*\* 2026-02-16 21:24:29: round 9856/);
        // The parser puts the pictures into the page: what it was sent as stands in the raw text.
        assert.ok(mails[0]!.raw.includes('Content-Type: text/html'));
        const [rounds, r2, json] = mail.attachments;
        for (const [picture, name] of [
          [rounds, 'rounds'],
          [r2, 'r2'],
        ] as const) {
          assert.deepEqual(
            [picture?.contentType, picture?.cid, picture?.contentDisposition, picture?.related],
            ['image/png', `${name}@roundwarden`, 'inline', true],
          );
          assert.deepEqual(picture!.content.subarray(0, 8), pngSignature);
        }
        assert.match(String(mail.html), /<img src="data:image\/png;base64,[^"]+" alt="Rounds by day/);
        assert.doesNotMatch(String(mail.html), /cid:|<svg|<script/);
        assert.deepEqual([json?.filename, json?.contentType], ['2026-02-16.json', 'application/json']);
        const attached: Report = reportSchema.parse(JSON.parse(json!.content.toString()));
        assert.deepEqual(attached, JSON.parse(JSON.stringify(report)));
        assert.ok(mail.text!.includes(`ledger head: ${attached.ledger!.seq} ${attached.ledger!.hash}`));
      }),
    ));

  it('is sent once for each day: again, after a restart, and when the day is asked for by name', () =>
    inWorld(kind, incidentBeginning, (world) =>
      withSmtp({}, async (port, mails) => {
        await world.audit({ now: theMorningAfter });
        const first = await send(world, { port, now: theMorningAfter });
        assert.deepEqual(
          first.made.map(({ report }) => report.window),
          [{ kind: 'day', day: '2026-02-17' }],
        );
        for (const now of [theMorningAfter, '2026-02-18T06:20:00.000Z', '2026-02-18T23:10:00.000Z'])
          assert.deepEqual((await send(world, { port, now })).made, []);
        const named = await send(world, { port, now: theMorningAfter, day: '2026-02-17' });
        assert.deepEqual(named.already, { day: '2026-02-17', at: theMorningAfter });
        assert.equal(mails.length, 1);
        const entries = await world.entries('report.made');
        assert.deepEqual(
          entries.map(({ key }) => key),
          ['report:2026-02-17'],
        );
      }),
    ));

  it('that a person asks for by name changes nothing about the days that are owed', () =>
    inWorld(kind, incidentBeginning, (world) =>
      withSmtp({}, async (port, mails) => {
        await send(world, { port, now: '2026-02-13T06:10:00.000Z' });
        await send(world, { port, now: '2026-02-17T03:00:00.000Z', day: '2026-02-16' });
        await send(world, { port, now: '2026-02-17T03:00:00.000Z', day: '2026-02-04' });
        await send(world, { port, now: '2026-02-17T06:10:00.000Z' });
        const days = ['12', '16', '04', '13', '14', '15'].map((day) => `2026-02-${day}`);
        assert.deepEqual(await subjects(mails), days);
        for (const day of ['2026-02-17', '2026-03-01'])
          await assert.rejects(
            send(world, { port, now: '2026-02-17T06:10:00.000Z', day }),
            /is not over on the server/,
          );
        assert.equal(mails.length, 6);
      }),
    ));

  it('is made up for where days were missed, the oldest first, and not before REPORT_AT', () =>
    inWorld(kind, incidentBeginning, (world) =>
      withSmtp({}, async (port, mails) => {
        await send(world, { port, now: '2026-02-12T06:10:00.000Z' });
        await send(world, { port, now: '2026-02-17T06:09:00.000Z' });
        assert.deepEqual(await subjects(mails), [
          '2026-02-11',
          ...['12', '13', '14', '15'].map((day) => `2026-02-${day}`),
        ]);
        await send(world, { port, now: '2026-02-17T06:10:00.000Z' });
        assert.equal((await subjects(mails)).at(-1), '2026-02-16');
        assert.equal(mails.length, 6);
      }),
    ));

  it('is lost by no dead mail server, and comes once when it is back', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      const port = await refusingPort();
      await world.audit({ now: theMorningAfter });
      const failed = await send(world, { port, now: theMorningAfter });
      assert.deepEqual([failed.made.length, failed.delivery.sent, failed.delivery.waiting.length], [1, 0, 1]);
      await withSmtp({ port }, async (_, mails) => {
        const later = Date.parse(theMorningAfter) + 2 * 3_600_000;
        const config = world.config(mailTo(port));
        await notify({ config, nowMs: later, retryDead: false, test: false });
        await notify({ config, nowMs: later + 60_000, retryDead: false, test: false });
        await send(world, { port, now: new Date(later + 120_000).toISOString() });
        assert.deepEqual(await subjects(mails), ['2026-02-17']);
        assert.equal((await parsed(mails[0]!)).attachments.length, 3);
      });
    }));

  it('comes once for each local day through both clock changes, however often somebody looks', () =>
    inWorld(kind, {}, (world) =>
      withSmtp({}, async (port, mails) => {
        for (const [from, to] of [
          ['2026-03-27T06:00:00Z', '2026-03-31T06:00:00Z'],
          ['2026-10-23T05:00:00Z', '2026-10-27T07:00:00Z'],
        ] as const)
          for (let nowMs = Date.parse(from); nowMs <= Date.parse(to); nowMs += 2 * 3_600_000)
            // 02:30 does not exist in spring, and comes twice in autumn.
            await send(world, { port, now: new Date(nowMs).toISOString(), settings: { REPORT_AT: '02:30' } });
        const days = await subjects(mails);
        const spring = ['2026-03-26', '2026-03-27', '2026-03-28', '2026-03-29', '2026-03-30'];
        assert.deepEqual(days.slice(0, spring.length), spring);
        assert.deepEqual(days.slice(-4), ['2026-10-23', '2026-10-24', '2026-10-25', '2026-10-26']);
        assert.equal(new Set(days).size, days.length);
      }),
    ));

  it('needs somebody to mail to', () =>
    inWorld(kind, {}, async (world) => {
      const asked = sendReports({ config: world.config(), nowMs: Date.parse(theMorningAfter) });
      await assert.rejects(asked, /nobody can be mailed: set SMTP_URL/);
    }));
});
