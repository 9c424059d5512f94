import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { auditMatch, fleetCrontab, jobSpec, reportTimes } from '../../jobs/fleet-crontab.ts';
import { fleetUrlOf } from '../../jobs/worker.ts';
import { parseConfig } from '../../src/config.ts';
import { UsageError } from '../../src/errors.ts';
import type { Server } from '../../src/servers.ts';

const nowUnix = Date.parse('2026-02-14T20:00:00Z') / 1000;

function server(name: string, environment: Record<string, string> = {}): Server {
  return { name, environment, config: parseConfig({ SOURCE_NAME: name, ...environment }) };
}

describe('the crontab of the fleet', () => {
  test('takes AUDIT_CRON where every reader reads it alike, and each minute otherwise', () => {
    for (const pattern of ['*/3 * * * *', '5,35 0-6 * * 1-5', '0 4 1 * *'])
      assert.equal(auditMatch(pattern), pattern);
    assert.equal(auditMatch('  0   4 * * *  '), '0 4 * * *');
    for (const pattern of ['*/10 * * * * *', '0 4 * * MON', '0 4 L * *', '0 4 1 * 1', '0 4 * * 1#2'])
      assert.equal(auditMatch(pattern), '* * * * *', pattern);
  });

  test('has REPORT_AT at both its times in UTC where there is summer time', () => {
    const times = (zone: string, reportAt = '07:10') => [...reportTimes({ zone, reportAt }, nowUnix)].sort();
    assert.deepEqual(times('Europe/Ljubljana'), ['05:10', '06:10']);
    assert.deepEqual(times('Asia/Kolkata'), ['01:40']);
    assert.deepEqual(times('Australia/Lord_Howe'), ['20:10', '20:40']);
    assert.deepEqual(times('UTC', '00:00'), ['00:00']);
  });

  test('ticks for each server and task by itself, fills, and lets nothing pile up', () => {
    const items = fleetCrontab([server('alpha'), server('beta', { SERVER_TIMEZONE: 'UTC' })], nowUnix);
    const names = ['alpha', 'beta'].flatMap((name) => [`audit:${name}`, `deliver:${name}`, `report:${name}`]);
    assert.deepEqual(
      items.map(({ identifier }) => identifier),
      names,
    );
    for (const { task, identifier, options } of items) {
      assert.equal(task, identifier);
      assert.equal(options.jobKey, identifier);
      assert.equal(options.queueName, `server:${identifier.split(':')[1]}`);
      assert.ok(options.backfillPeriod >= 600_000 && options.backfillPeriod <= 90_000_000);
    }
    const report = items.find(({ identifier }) => identifier === 'report:beta')!;
    const at = (hour: number, min: number) => report.match({ hour, min, date: 1, month: 3, dow: 0 });
    assert.deepEqual([at(7, 10), at(7, 11), at(6, 10)], [true, false, false]);
    assert.ok(jobSpec('audit', 'alpha').priority < jobSpec('report', 'alpha').priority);
  });
});

describe('fleetUrlOf()', () => {
  const onServer = { LEDGER_DATABASE_URL: 'postgres://db/ledger' };

  test('is the ledger where FLEET_DATABASE_URL says nothing else', () => {
    assert.equal(fleetUrlOf([server('a', onServer), server('b', onServer)]), 'postgres://db/ledger');
    const queue = { ...onServer, FLEET_DATABASE_URL: 'postgres://db/queue' };
    assert.equal(fleetUrlOf([server('a', queue)]), 'postgres://db/queue');
  });

  test('refuses servers without one queue, and ledgers that only one host has', () => {
    const other = { LEDGER_DATABASE_URL: 'postgres://db/other' };
    assert.throws(() => fleetUrlOf([server('a', onServer), server('b', other)]), /set FLEET_DATABASE_URL/);
    assert.throws(() => fleetUrlOf([server('a')]), UsageError);
    const queue = { FLEET_DATABASE_URL: 'postgres://db/queue' };
    assert.throws(() => fleetUrlOf([server('a', queue)]), /a file of one host for a$/);
  });
});
