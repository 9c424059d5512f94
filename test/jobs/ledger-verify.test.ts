import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyExitCode, verifyLedger } from '../../jobs/ledger.ts';
import { parseConfig } from '../../src/config.ts';
import { withLedger } from '../../src/context.ts';
import { append } from '../../src/ledger/append.ts';
import { forEachDatabase } from '../databases.ts';
import { at, draft, freshPlace } from '../ledger/ledgers.ts';

forEachDatabase('verifyLedger()', (kind) => {
  test('tells how many of the entries it has read, and that it is done', async (t) => {
    const { url, dataDir } = await freshPlace(t, kind);
    const config = parseConfig({
      SOURCE_DATABASE_URL: 'sqlite:is-not-asked',
      LEDGER_DATABASE_URL: url,
      DATA_DIR: dataDir,
      SERVER_TIMEZONE: 'Europe/Berlin',
      GAMETIME_PATHS: 'none',
    });
    const drafts = Array.from({ length: 2_345 }, (_, nth) => draft('run', '', { nth }));
    await withLedger(config, (ledger) => append(ledger, drafts, at));
    const told: unknown[] = [];
    const progress = {
      step: (...step: unknown[]) => void told.push(step),
      stop: () => void told.push('stop'),
    };
    const check = await verifyLedger(config, { anchors: [], rows: false }, progress);
    assert.deepEqual([verifyExitCode(check), check.chain.count], [0, 2_345]);
    assert.deepEqual(told, [['verifying', 1_000, 2_345], ['verifying', 2_000, 2_345], 'stop']);
  });
});
