import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withSmtp } from '../alert/servers.ts';
import { type DatabaseKind, databaseKinds, hasRealPostgres, openTestDatabase } from '../databases.ts';
import { inChild } from './child.ts';
import type { SoakAsked, SoakTally } from './soak/child.ts';
import type { Effort, Figure, Suite } from './suite.ts';

/** A cycle takes far less than a second; a report some seconds. */
const silentMs = 300_000;
/** What a garbage collector leaves lying, and a pool of memory that grows in steps. */
const heapToleranceBytes = 8 * 1_048_576;
const rssToleranceBytes = 64 * 1_048_576;
/** A connection that is just being closed. */
const handleTolerance = 3;
const trendNeeds = 1_000;

const answers: Record<string, number> = { '/up': 204, '/down': 503, '/refuse': 404 };

/** A channel of alerts: what it answers stands in the path. Returns how often each was asked. */
async function withHook<T>(work: (url: string, asked: Record<string, number>) => Promise<T>): Promise<T> {
  const asked: Record<string, number> = {};
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    request.resume().on('end', () => {
      asked[path] = (asked[path] ?? 0) + 1;
      response.writeHead(answers[path] ?? 500, { connection: 'close' }).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  try {
    return await work(`http://127.0.0.1:${port}`, asked);
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
}

async function soakOn(kind: DatabaseKind, cycles: number, { seed, progress }: Effort): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-soak-'));
  const source = await openTestDatabase(kind);
  const ledger = await openTestDatabase(kind);
  try {
    return await withHook((hookUrl, calls) =>
      withSmtp({}, async (smtpPort, mails) => {
        const urls = { sourceUrl: source.url, ledgerUrl: ledger.url, hookUrl, smtpPort };
        const asked: SoakAsked = { cycles, seed, directory, ...urls };
        const of = { silentMs, execArgv: ['--expose-gc'], progress };
        const tally = await inChild<SoakTally>('soak/child.ts', asked, of);
        assert.equal(calls['/up'] ?? 0, tally.outbox['webhook sent'] ?? 0);
        assert.equal(mails.length, tally.outbox['mail sent'] ?? 0);
        assertFlat(tally, cycles);
        return figuresOf(kind, cycles, tally);
      }),
    );
  } finally {
    await source.close();
    await ledger.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Few cycles say nothing of a trend in memory; handles and listeners must not grow in any. */
function assertFlat(tally: SoakTally, cycles: number): void {
  assert.ok(tally.handlesMore <= handleTolerance, `${tally.handlesMore} more file handles`);
  assert.ok(tally.resourcesMore <= handleTolerance, `${tally.resourcesMore} more timers or sockets`);
  assert.ok(tally.listenersMore <= 0, `${tally.listenersMore} more listeners of the process`);
  if (cycles < trendNeeds) return;
  assert.ok(tally.heapRiseBytes < heapToleranceBytes, `the heap rises by ${tally.heapRiseBytes} bytes`);
  assert.ok(tally.rssRiseBytes < rssToleranceBytes, `the memory rises by ${tally.rssRiseBytes} bytes`);
}

const n = (count: number) => new Intl.NumberFormat('en-US').format(count);
const mib = (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MiB`;
const listed = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .map(([what, count]) => `${what} ${n(count)}`)
    .join(', ');

function figuresOf(kind: DatabaseKind, cycles: number, of: SoakTally): Figure[] {
  const { first, last, cpuMsPerCycle } = of;
  const { second, fourth, last: late } = cpuMsPerCycle;
  const name = (what: string) => `${kind}: ${what}`;
  return [
    {
      what: name('the world'),
      value: `${n(cycles)} audits and ${of.reports} reports over ${of.days} days, ${n(of.rounds)} rounds`,
    },
    { what: name('ledger entries, as predicted'), value: listed(of.entries) },
    { what: name('outbox, as predicted'), value: listed(of.outbox) },
    { what: name('triage packets and recorded runs, as predicted'), value: `${of.packets}, ${n(of.runs)}` },
    {
      what: name('heap after collection'),
      value: `${mib(first.heapBytes)} at first, ${mib(last.heapBytes)} at last; over the second half ${mib(of.heapRiseBytes)} more (tolerance ${mib(heapToleranceBytes)})`,
    },
    {
      what: name('resident memory'),
      value: `${mib(first.rssBytes)} at first, ${mib(last.rssBytes)} at last; over the second half ${mib(of.rssRiseBytes)} more (tolerance ${mib(rssToleranceBytes)})`,
    },
    {
      what: name('file handles, timers and sockets, listeners'),
      value: `${last.handles}, ${last.resources}, ${last.listeners}; in the second half at most ${of.handlesMore}, ${of.resourcesMore}, ${of.listenersMore} more than in the first`,
    },
    {
      what: name('a cycle'),
      value: `${second.toFixed(1)} ms of CPU in the second tenth, ${fourth.toFixed(1)} in the fourth, ${late.toFixed(1)} in the last: ${(late / second).toFixed(2)} and ${(late / fourth).toFixed(2)} times`,
    },
  ];
}

/** Weeks of audits in one process. */
export const soak: Suite = {
  name: 'soak',
  about:
    'weeks of audits in one process hold no more memory, handles or timers than days, and leave exactly the entries and messages that the world owes',
  counts: {
    'soak-cycles': { full: 10_000, fast: 120 },
    'soak-postgres-cycles': { full: 1_000, fast: 0 },
  },
  run: async (effort) => {
    const { counts } = effort;
    const cycles = {
      sqlite: counts['soak-cycles']!,
      postgres: hasRealPostgres ? counts['soak-postgres-cycles']! : 0,
    };
    const figures: Figure[] = [];
    for (const kind of databaseKinds)
      if (cycles[kind] > 0) figures.push(...(await soakOn(kind, cycles[kind], effort)));
    return figures;
  },
};
