import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cycleScope } from '../../jobs/audits-so-far.ts';
import { readOwed } from '../../jobs/owed.ts';
import { makeOwedReports, sendReports } from '../../jobs/report.ts';
import { withLedger, withLedgerToRead } from '../../src/context.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { withSmtp } from '../alert/servers.ts';
import { databaseKinds } from '../databases.ts';
import { inWorld } from './setup.ts';

const begun = Date.parse('2026-03-20T12:00:00.000Z');
const dayMs = 86_400_000;
const utc = (ms: number) => new Date(ms).toISOString();

for (const kind of databaseKinds)
  describe(`what is owed (source ${kind})`, () => {
    test('is asked of the ledger: an audit of everything once a day, one at each tick, and the report once', () =>
      inWorld(kind, {}, async (world) => {
        const config = world.config();
        const owed = (nowMs: number) => readOwed(config, nowMs);
        const first = await owed(begun);
        assert.deepEqual([first.audit, first.reports], [{ kind: 'all' }, ['2026-03-19']]);
        await world.audit({ now: utc(begun) });
        await makeOwedReports({ config, nowMs: begun + 20_000 });
        const nothing = { audit: null, lastAuditUnix: begun / 1000, reports: [], isDeliveryDue: false };
        assert.deepEqual(await owed(begun + 60_000), nothing);
        const cycle = { kind: 'lookback', since: '2026-03-13', until: '2026-03-20' };
        assert.deepEqual((await owed(begun + 180_000)).audit, cycle);
        // A part is no audit of the whole, and what a clock ran ahead for does not count.
        await world.audit({
          now: utc(begun + 181_000),
          scope: { kind: 'days', since: '2026-03-20', until: null },
        });
        await world.audit({ now: utc(begun + 20 * dayMs) });
        assert.deepEqual((await owed(begun + 182_000)).audit, cycle);
        const next = await owed(begun + dayMs);
        assert.deepEqual([next.audit, next.reports], [{ kind: 'all' }, ['2026-03-20']]);
      }));

    test('makes a cycle look at all days since the last audit, and one more', () =>
      inWorld(kind, {}, async (world) => {
        const nowMs = begun + 20 * dayMs;
        const since = async (reads: boolean) => {
          const config = world.config();
          const scopeBy = (ledger: Ledger | null) => cycleScope(config, ledger, nowMs);
          const scope = await (reads ? withLedgerToRead(config, scopeBy) : withLedger(config, scopeBy));
          return scope.kind === 'lookback' && [scope.since, scope.until];
        };
        assert.deepEqual(await since(true), ['2026-04-02', '2026-04-09']);
        await world.audit({ now: utc(begun) });
        for (const reads of [true, false]) assert.deepEqual(await since(reads), ['2026-03-19', '2026-04-09']);
        // The audit itself finds the same, with the record of runs that it stands in itself.
        const asked = { now: utc(nowMs), scope: 'cycle' } as const;
        for (const { window } of [await world.plan(asked), await world.audit(asked)])
          assert.deepEqual([window.from, window.to], ['2026-03-19', '2026-04-09']);
        const { window } = await world.audit(asked);
        assert.deepEqual([window.from, window.to], ['2026-04-02', '2026-04-09']);
      }));

    test('without mail is made all the same, once, and can be mailed by a person later', () =>
      inWorld(kind, {}, async (world) => {
        const { made, delivery } = await makeOwedReports({ config: world.config(), nowMs: begun });
        assert.deepEqual([made.length, made[0]!.paths.length, delivery.sent], [1, 4, 0]);
        assert.deepEqual((await makeOwedReports({ config: world.config(), nowMs: begun })).made, []);
        await withSmtp({}, async (port, mails) => {
          const settings = {
            SMTP_URL: `smtp://127.0.0.1:${port}`,
            MAIL_FROM: 'a@b.example',
            MAIL_TO: 'c@d.example',
          };
          const config = world.config(settings);
          assert.deepEqual((await sendReports({ config, nowMs: begun })).made, []);
          assert.equal(mails.length, 0);
          const asked = { config, nowMs: begun, day: '2026-03-19' };
          assert.equal((await sendReports(asked)).delivery.sent, 1);
          const again = await sendReports(asked);
          assert.deepEqual([again.already?.day, again.delivery.sent, mails.length], ['2026-03-19', 0, 1]);
        });
      }));
  });
