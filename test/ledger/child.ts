import { append } from '../../src/ledger/append.ts';
import { acquireLease } from '../../src/ledger/lease.ts';
import { closeLedger, openLedger } from '../../src/ledger/open.ts';
import { at, draft, testFold } from './ledgers.ts';

/** One of several processes at the same ledger. What it prints is what the test looks at. */
const [task, url, dataDir, argument] = process.argv.slice(2) as [string, string, string, string];
const ledger = await openLedger({ url, dataDir, fold: testFold });
if (task === 'append')
  for (let turn = 0; turn < 25; turn++)
    await append(ledger, [draft('found', `map ${turn}`), draft('note', argument)], at);
if (task === 'lease') {
  const holder = { host: 'a', pid: process.pid, runId: argument };
  // The parent is what is alive: it stands for a holder that has not ended yet.
  const request = {
    name: 'audit',
    holder: { ...holder, pid: process.ppid },
    nowMs: Date.now(),
    ttlMs: 600_000,
  };
  console.log(JSON.stringify(await acquireLease(ledger.database, request)));
}
if (task === 'append-and-die') {
  // Gone in the middle of a transaction.
  await append(ledger, [draft('found', 'never')], at, {
    inside: async () => void process.kill(process.pid, 'SIGKILL'),
  });
}
await closeLedger(ledger);
