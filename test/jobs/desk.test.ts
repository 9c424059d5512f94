import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDesk } from '../../jobs/desk.ts';
import { exportLedger } from '../../jobs/ledger.ts';
import { parseConfig } from '../../src/config.ts';
import { withLedger } from '../../src/context.ts';
import { addsUp, expectedTotal } from '../../src/core/coverage.ts';
import type { Json } from '../../src/core/model.ts';
import { UsageError } from '../../src/errors.ts';
import { append } from '../../src/ledger/append.ts';
import { enqueue, settleMessage } from '../../src/ledger/outbox.ts';
import { fillSource } from '../../src/source/create.ts';
import type { ChainedEntry, IncidentFilter, WebDecision } from '../../src/web/desk.ts';
import { forEachDatabase, openTestDatabase } from '../databases.ts';
import { captureRow, game, gametime, roundRow } from './games.ts';
import { fixture, inWorld, longAfter, type World } from './setup.ts';

const { rounds, captures, artifacts, settings } = fixture('incident-2026-02');
const february = { rounds, captures, artifacts, settings };

const deskOf = (world: World, now = longAfter, more: Record<string, string> = {}) =>
  openDesk(world.config(more), { nowMs: () => Date.parse(now) });

const everything: IncidentFilter = {
  status: 'all',
  verdict: null,
  cause: null,
  map: null,
  day: null,
  since: null,
  round: null,
  page: 1,
};

/** A round with a cause in both logs, written off. */
const crashed = 9856;

/** A world in which the February incident was audited. */
const audited = (kind: World['kind'], work: (world: World) => Promise<void>) =>
  inWorld(kind, february, async (world) => {
    await world.audit();
    await work(world);
  });

async function crashedView(world: World, desk = deskOf(world)) {
  const { id } = await world.incident(crashed);
  const view = await desk.incident(id);
  assert.ok(view);
  return view;
}

const idsOf = (rows: readonly { [column: string]: Json }[]) => rows.map(({ id }) => id);

async function refusingUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return `postgres://somebody:geheim@127.0.0.1:${port}/stats`;
}

forEachDatabase('An incident on the desk', (kind) => {
  it('is shown with its cause, its rows, the lines around it, its entries and its packet', () =>
    audited(kind, async (world) => {
      const view = await crashedView(world);
      assert.deepEqual([view.now?.verdict, view.now?.cause?.code], ['lost', 'module_crashed']);
      assert.equal(view.whyNotNow, null);
      assert.equal('want' in view.now! || 'seen' in view.now!, false);
      assert.deepEqual(view.candidates, []);
      assert.deepEqual(
        view.places.map(({ name, unreadable, count }) => [name, unreadable, count]),
        [[world.gametimes, null, artifacts.length]],
      );
      assert.deepEqual(idsOf(view.rows!.rounds), [9855, crashed, 9857]);
      assert.ok(view.rows!.captures.length > 0);
      assert.equal('axis_players' in view.rows!.captures[0]!, true);
      assert.deepEqual(
        view.entries.map(({ kind: what }) => what),
        ['gap.written_off'],
      );
    }));

  it('quotes a quarter of an hour of both logs, and no line of its cause twice', () =>
    audited(kind, async (world) => {
      const { now, logLines } = await crashedView(world);
      const proof = new Set(now!.cause!.evidence.map(({ file, line }) => `${file}:${line}`));
      const others = [...logLines.bot, ...logLines.console];
      assert.ok(logLines.bot.length > 0 && logLines.console.length > 0);
      assert.deepEqual(
        others.filter(({ file, line }) => proof.has(`${file}:${line}`)),
        [],
      );
      for (const { text } of logLines.bot) assert.match(text, /^2026-02-16 21:(09|1\d|2\d|3\d)/);
    }));

  it('has a packet whose every file can be asked for', () =>
    audited(kind, async (world) => {
      const desk = deskOf(world);
      const { packet } = await crashedView(world, desk);
      assert.match(packet!.folder, /^test-2026-02-16-212429-etl_adlernest-R2-9856$/);
      for (const name of ['README.md', 'SHA256SUMS', 'rows/rounds.json', 'logs/console.log', 'verdict.json'])
        assert.ok(packet!.files.includes(name), name);
      for (const file of packet!.files) {
        const bytes = await desk.packetFile(packet!.folder, file);
        assert.deepEqual(bytes, readFileSync(join(world.dataDir, 'packets', packet!.folder, file)));
      }
      rmSync(join(world.dataDir, 'packets', packet!.folder), { recursive: true });
      assert.equal((await crashedView(world, desk)).packet, null);
      assert.equal(await desk.packetFile(packet!.folder, 'README.md'), null);
    }));

  it('that a repair closed is judged covered now, and its repair is among its entries', () =>
    audited(kind, async (world) => {
      const { id } = await world.incident(9818);
      const view = await deskOf(world).incident(id);
      assert.deepEqual([view!.incident.status, view!.now?.verdict], ['closed', 'covered']);
      const kinds = view!.entries.map((entry) => entry.kind);
      assert.deepEqual(kinds, ['gap.found', 'repair.started', 'repair.done']);
      assert.ok(view!.candidates.some(({ kind: what }) => what === 'capture'));
      assert.ok(view!.logLines.bot.length > 0);
      assert.equal(view!.packet, null);
    }));

  it('whose row is gone is shown as the ledger knows it, with the rows that are left', () =>
    audited(kind, async (world) => {
      const { id } = await world.incident(crashed);
      await world.inSource(({ knex }) => knex('rounds').where({ id: crashed }).delete());
      const view = await deskOf(world).incident(id);
      assert.equal(view!.now, null);
      assert.equal(view!.whyNotNow, 'there is no row of this round in test any more (its id was 9856)');
      assert.deepEqual(view!.candidates, []);
      assert.deepEqual(
        view!.places.map(({ count, oldestUnix }) => [count, typeof oldestUnix]),
        [[artifacts.length, 'number']],
      );
      assert.deepEqual(idsOf(view!.rows!.rounds), [9855, 9857]);
      assert.ok(view!.rows!.captures.length > 0);
      assert.ok(view!.logLines.console.length > 0);
      assert.ok(view!.packet!.files.length > 0);
      assert.equal(view!.incident.round!.roundId, crashed);
    }));

  it('is found again under the id that a re-import gave its row, though another round has the old one', () =>
    audited(kind, async (world) => {
      const { id } = await world.incident(crashed);
      await world.inSource(async ({ knex }) => {
        await knex('rounds').where({ id: crashed }).update({ id: 20_001 });
        await knex('rounds').where({ id: 9855 }).update({ id: crashed });
      });
      const view = await deskOf(world).incident(id);
      assert.deepEqual([view!.now?.round.id, view!.now?.verdict], [20_001, 'lost']);
      assert.equal(view!.whyNotNow, null);
    }));

  it('of another source, or of no incident at all, is none', () =>
    audited(kind, async (world) => {
      const { id } = await world.incident(crashed);
      assert.equal(await deskOf(world).incident(id + 1_000), null);
      const other = deskOf(world, longAfter, { SOURCE_NAME: 'other' });
      assert.equal(await other.incident(id), null);
      assert.equal((await other.incidents(everything)).total, 0);
      const note: WebDecision = { kind: 'note', reason: 'x' };
      await assert.rejects(other.decide(id, note, 'ana'), /there is no incident \d+ of other/);
    }));
});

forEachDatabase('What a person decides on the desk', (kind) => {
  const words = {
    acknowledge: 'incident.acknowledged',
    note: 'incident.noted',
    hold: 'incident.held',
    excuse: 'incident.excused',
    reopen: 'incident.reopened',
  } as const;

  it('becomes an entry, with who said so and why', () =>
    audited(kind, async (world) => {
      const { id, key } = await world.incident(crashed);
      const desk = deskOf(world, '2026-08-02T09:00:00.000Z');
      for (const decision of Object.keys(words) as (keyof typeof words)[]) {
        await desk.decide(id, { kind: decision, reason: ` because of ${decision} ` }, 'ana');
        const { at, kind: what, key: about, body } = (await world.entries()).at(-1)!;
        assert.deepEqual([at, what, about], ['2026-08-02T09:00:00.000Z', words[decision], key]);
        assert.deepEqual(body, { by: 'ana', reason: `because of ${decision}` });
      }
      const view = await crashedView(world, desk);
      assert.deepEqual(
        view.entries.slice(1).map((entry) => entry.kind),
        Object.values(words),
      );
      assert.equal(view.incident.notes, 1);
    }));

  it('needs a reason where it is worth nothing without, and an incident', () =>
    audited(kind, async (world) => {
      const { id } = await world.incident(crashed);
      const desk = deskOf(world);
      const before = await world.entries();
      for (const [decision, why] of [
        ['excuse', /an excuse needs a reason/],
        ['hold', /a hold needs a reason/],
        ['note', /a note needs its text/],
      ] as const)
        await assert.rejects(desk.decide(id, { kind: decision, reason: ' \n\u200b' }, 'ana'), (thrown) => {
          assert.ok(thrown instanceof UsageError);
          assert.match(thrown.message, why);
          return true;
        });
      await assert.rejects(desk.decide(4711, { kind: 'acknowledge', reason: '' }, 'ana'), UsageError);
      const nothing: WebDecision = { kind: 'resolve', candidate: 'capture:1', reason: '' };
      await assert.rejects(desk.decide(id, nothing, 'ana'), /names 0 of the candidates/);
      assert.deepEqual(await world.entries(), before);
      await desk.decide(id, { kind: 'acknowledge', reason: '' }, 'ana');
    }));

  it('resolves an ambiguity by one of the candidates that the desk shows', () => {
    const played = game('supply', 1, '2026-03-01 21:00:00');
    const near = { ...played, start: played.start - 2, end: played.end - 2 };
    const far = { ...played, end: played.end + 2 };
    return inWorld(
      kind,
      { rounds: [roundRow(1, played, { delay: 0 })], artifacts: [gametime(near), gametime(far)] },
      async (world) => {
        await world.audit();
        const { id } = await world.incident(1);
        const desk = deskOf(world);
        const { candidates, now } = (await desk.incident(id))!;
        assert.deepEqual([now!.verdict, candidates.length], ['ambiguous', 2]);
        const { sha256 } = candidates[0]!;
        await desk.decide(id, { kind: 'resolve', candidate: `artifact:${sha256}`, reason: '' }, 'ana');
        const { body } = (await world.entries('incident.resolved'))[0]!;
        assert.deepEqual(body, { by: 'ana', reason: '', resolution: { kind: 'artifact', sha256 } });
        assert.equal((await world.audit()).after.covered, 1);
      },
    );
  });
});

forEachDatabase('The overview', (kind) => {
  it('comes to the numbers of February 2026', () =>
    audited(kind, async (world) => {
      const overview = await deskOf(world, '2026-02-17T12:00:00.000Z').overview();
      const { coverage, series, discrepancies } = overview.figures!;
      assert.deepEqual([coverage.live, coverage.repaired, coverage.lost], [8, 10, 22]);
      assert.deepEqual([addsUp(coverage), discrepancies], [true, []]);
      assert.deepEqual([series.length, series[0]!.day, series.at(-1)!.day], [30, '2026-01-19', '2026-02-17']);
      const played = series.filter((point) => point.coverage !== null);
      assert.deepEqual(
        played.map(({ day, coverage: of }) => [day, expectedTotal(of!), of!.lost]),
        [
          ['2026-02-04', 1, 1],
          ['2026-02-06', 11, 11],
          ['2026-02-11', 16, 6],
          ['2026-02-16', 12, 4],
        ],
      );
      assert.deepEqual(played.at(-1)!.missingR2, [9856, 9865, 9868, 9871]);
      assert.deepEqual([overview.source, overview.zone], ['test', 'Europe/Ljubljana']);
      assert.equal(overview.now, '2026-02-17T12:00:00.000Z');
      assert.deepEqual([overview.open, overview.unreadablePlaces, overview.deadLetters], [[], [], []]);
      assert.deepEqual([overview.lastAudit!.exitCode, overview.runs[0]], [0, overview.lastAudit]);
      assert.equal(overview.head!.seq, (await world.entries()).at(-1)!.seq);
    }));

  it('counts no day before the fourteen, and none before the thirty', () =>
    audited(kind, async (world) => {
      const { figures } = await deskOf(world, '2026-03-01T12:00:00.000Z').overview();
      const { coverage, series, discrepancies } = figures!;
      assert.deepEqual([expectedTotal(coverage), coverage.lost, discrepancies], [12, 4, []]);
      assert.deepEqual(
        series.filter((point) => point.coverage !== null).map(({ day }) => day),
        ['2026-02-04', '2026-02-06', '2026-02-11', '2026-02-16'],
      );
      const { coverage: by } = await deskOf(world, '2026-03-01T12:00:00.000Z').measurements();
      assert.deepEqual([by!.r1.live, by!.r2.live, by!.r2.lost], [6, 2, 4]);
    }));

  it('shows what is open with the newest first, and a place until it can be read again', () =>
    inWorld(kind, february, async (world) => {
      const gone = { GAMETIME_PATHS: join(world.gametimes, 'unmounted') };
      await world.audit({ settings: gone });
      const desk = deskOf(world);
      const { open, unreadablePlaces } = await desk.overview();
      assert.equal(open.length, 32);
      assert.deepEqual(
        open.map(({ id }) => id),
        open.map(({ id }) => id).sort((a, b) => b - a),
      );
      assert.deepEqual(
        unreadablePlaces.map(({ place, since }) => [place, since]),
        [[gone.GAMETIME_PATHS, longAfter]],
      );
      assert.match(unreadablePlaces[0]!.why, /\w/);
      assert.equal((await desk.measurements()).openByVerdict.unchecked, 32);

      mkdirSync(gone.GAMETIME_PATHS);
      const { name, bytes } = artifacts[0]!;
      writeFileSync(join(gone.GAMETIME_PATHS, name), bytes);
      await world.audit({ settings: { GAMETIME_PATHS: `${gone.GAMETIME_PATHS},${world.gametimes}` } });
      const after = await desk.overview();
      assert.deepEqual([after.open, after.unreadablePlaces], [[], []]);
      assert.deepEqual([...new Set(Object.values((await desk.measurements()).openByVerdict))], [0]);
    }));

  it('shows what is in the outbox, and what was given up', () =>
    audited(kind, async (world) => {
      const about = { level: 'alert', source: 'test', at: longAfter, title: 't', text: 't' } as const;
      const rest = { gaps: [], logLines: [], command: null, ledger: null };
      const messages = ['one', 'two'].map((key) => ({ ...about, ...rest, key }));
      await withLedger(world.config(), async ({ database }) => {
        await enqueue(database, messages, ['discord'], longAfter);
        await settleMessage(database, { id: 'one|discord', attempts: 0 }, { state: 'dead', error: 'gone' });
      });
      const { outbox, deadLetters } = await deskOf(world).overview();
      assert.deepEqual(outbox, { queued: 1, sent: 0, dead: 1, oldestQueuedAt: longAfter });
      assert.deepEqual(deadLetters, [{ channel: 'discord', key: 'one', why: 'gone' }]);
      assert.deepEqual((await deskOf(world).measurements()).outbox, outbox);
    }));

  it('is measured by number, with every verdict that can be open, also at nought', () =>
    audited(kind, async (world) => {
      const measured = await deskOf(world, '2026-02-17T12:00:00.000Z').measurements();
      const { r1, r2 } = measured.coverage!;
      assert.deepEqual([r1.live, r1.repaired, r1.lost], [6, 8, 3]);
      assert.deepEqual([r2.live, r2.repaired, r2.lost], [2, 2, 19]);
      assert.deepEqual(Object.keys(measured.openByVerdict).sort(), [
        'ambiguous',
        'conflict',
        'damaged',
        'missing',
        'recoverable',
        'relinkable',
        'unchecked',
      ]);
      assert.equal(measured.ledgerSeq, (await world.entries()).at(-1)!.seq);
      assert.equal(measured.lastAudit!.command, 'audit');
      const health = await deskOf(world).health();
      assert.deepEqual(health, { ok: true, lastAuditAt: measured.lastAudit!.finishedAt });
    }));
});

describe('A filter of incidents', () => {
  const total = async (world: World, filter: Partial<IncidentFilter>) =>
    (await deskOf(world).incidents({ ...everything, ...filter })).total;

  it('admits by verdict, cause, day and part of the map', () =>
    audited('sqlite', async (world) => {
      const counts = {
        all: await total(world, {}),
        covered: await total(world, { verdict: 'covered' }),
        lost: await total(world, { verdict: 'lost' }),
        crashed: await total(world, { cause: 'module_crashed' }),
        day: await total(world, { day: '2026-02-16' }),
        map: await total(world, { map: ' ^1ESCAPE^72 ' }),
        both: await total(world, { map: 'escape', day: '2026-02-16', cause: 'module_crashed' }),
        none: await total(world, { map: 'radar' }),
      };
      assert.deepEqual(counts, {
        all: 32,
        covered: 10,
        lost: 22,
        crashed: 10,
        day: 4,
        map: 7,
        both: 2,
        none: 0,
      });
    }));

  it('tells open ones from unclosed ones, and keeps held ones among the open', () =>
    audited('sqlite', async (world) => {
      const counts = async () => [
        await total(world, { status: 'open' }),
        await total(world, { status: 'unclosed' }),
      ];
      assert.deepEqual(await counts(), [0, 22]);
      const { id } = await world.incident(9818);
      await deskOf(world).decide(id, { kind: 'hold', reason: 'to look at it' }, 'ana');
      assert.deepEqual(await counts(), [1, 23]);
    }));

  it('gives pages of fifty, the newest first, and none of another source', async () => {
    const test = await openTestDatabase('sqlite');
    const dataDir = mkdtempSync(join(tmpdir(), 'roundwarden-data-'));
    try {
      const config = parseConfig({
        LEDGER_DATABASE_URL: test.url,
        SOURCE_NAME: 'test',
        DATA_DIR: dataDir,
      });
      const found = Array.from({ length: 1_120 }, (_, index) => ({
        kind: 'gap.found' as const,
        source: index % 2 === 0 ? 'test' : 'other',
        key: `supply|1|${index}`,
        body: { round: null, verdict: 'missing', reason: 'nothing_fits_yet', because: '' },
      }));
      await withLedger(config, (ledger) => append(ledger, found, longAfter));
      const desk = openDesk(config, { nowMs: () => Date.parse(longAfter) });
      const idsOfPage = async (page: number) => {
        const { incidents, total: all, pageSize } = await desk.incidents({ ...everything, page });
        assert.deepEqual([all, pageSize], [560, 50]);
        return incidents.map(({ id }) => id);
      };
      const seen: number[] = [];
      for (let page = 1; page <= 12; page++) seen.push(...(await idsOfPage(page)));
      assert.deepEqual(
        seen,
        Array.from({ length: 560 }, (_, index) => 1_119 - 2 * index),
      );
      assert.deepEqual(await idsOfPage(13), []);
      assert.deepEqual(await idsOfPage(0), seen.slice(0, 50));
    } finally {
      await test.close();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});

describe('Where the source cannot be reached', () => {
  for (const [what, url] of [
    ['an absent file', async () => `sqlite:${join(tmpdir(), 'roundwarden-no-such-file.sqlite')}`],
    ['a host that refuses', refusingUrl],
  ] as const)
    it(`(${what}) an incident is shown from the ledger alone, and no figure is made up`, () =>
      audited('sqlite', async (world) => {
        const { id } = await world.incident(crashed);
        const desk = deskOf(world, longAfter, { SOURCE_DATABASE_URL: await url() });
        const view = (await desk.incident(id))!;
        assert.deepEqual([view.now, view.rows], [null, null]);
        assert.match(view.whyNotNow!, /^the source cannot be read: cannot open database /);
        assert.doesNotMatch(view.whyNotNow!, /geheim/);
        assert.equal(view.incident.verdict, 'lost');
        assert.equal(view.places[0]!.count, artifacts.length);
        assert.ok(view.logLines.bot.length > 0 && view.packet!.files.length > 0);
        assert.deepEqual(
          view.entries.map((entry) => entry.kind),
          ['gap.written_off'],
        );

        await desk.decide(id, { kind: 'note', reason: 'seen' }, 'ana');
        const { count, rows, problems } = await desk.verify(null);
        assert.deepEqual([count, rows, problems], [(await world.entries()).length, null, []]);
        assert.equal((await desk.health()).ok, true);
        assert.equal((await desk.incidents(everything)).total, 32);
        const { figures, whyNoFigures, head } = await desk.overview();
        assert.deepEqual([figures, typeof head?.seq], [null, 'number']);
        assert.match(whyNoFigures!, /^cannot open database /);
        const { coverage, ledgerSeq } = await desk.measurements();
        assert.deepEqual([coverage, ledgerSeq], [null, head!.seq]);
      }));

  it('the candidates of an ambiguous round are those of its last entry', () => {
    const played = game('supply', 1, '2026-03-01 21:00:00');
    const near = { ...played, start: played.start - 2, end: played.end - 2 };
    const far = { ...played, end: played.end + 2 };
    const both = [captureRow(11, near, null), captureRow(12, far, null)];
    return inWorld(
      'sqlite',
      { rounds: [roundRow(1, played, { delay: 0 })], captures: both },
      async (world) => {
        await world.audit();
        const third = { ...played, start: played.start - 4, end: played.end - 4 };
        await world.inSource((database) =>
          fillSource(database, { rounds: [], captures: [captureRow(13, third, null)] }),
        );
        const { id } = await world.incident(1);
        const now = await deskOf(world).incident(id);
        assert.deepEqual(now!.candidates.map(({ captureId }) => captureId).sort(), [11, 12, 13]);
        const away = deskOf(world, longAfter, { SOURCE_DATABASE_URL: 'sqlite:/nowhere/at/all.sqlite' });
        const then = await away.incident(id);
        assert.deepEqual(then!.candidates.map(({ captureId }) => captureId).sort(), [11, 12]);
      },
    );
  });
});

const unchained = ({ prevHash: _, hash: __, incidents: ___, ...entry }: ChainedEntry) => entry;

describe('The ledger on the desk', () => {
  it('is read in pages of a hundred, the newest first, and by kind', () =>
    audited('sqlite', async (world) => {
      const { id, source, key } = await world.incident(crashed);
      const note = { kind: 'incident.noted' as const, source, key, body: { by: 'ana', reason: 'x' } };
      await withLedger(world.config(), (ledger) => append(ledger, Array(150).fill(note), longAfter));
      const all = await world.entries();
      const desk = deskOf(world);
      const first = await desk.ledger({ before: null, kind: null });
      assert.deepEqual(first.entries.map(unchained), all.slice(-100).reverse());
      for (const [at, { prevHash }] of first.entries.slice(0, -1).entries())
        assert.equal(prevHash, first.entries[at + 1]!.hash);
      assert.deepEqual([first.head!.seq, first.before], [all.length, all.length - 99]);
      const seen = [...first.entries];
      for (let { before } = first; before !== null; ) {
        const page = await desk.ledger({ before, kind: null });
        seen.push(...page.entries);
        before = page.before;
      }
      assert.deepEqual(seen.map(unchained), [...all].reverse());

      const lost = await desk.ledger({ before: null, kind: 'gap.written_off' });
      assert.deepEqual([lost.entries.length, lost.before], [22, null]);
      assert.ok(lost.entries.some(({ seq }) => seq === id));
      for (const { seq, incidents } of lost.entries) assert.deepEqual(incidents, [seq]);
      assert.deepEqual(new Set(first.entries.flatMap(({ incidents }) => incidents)), new Set([id]));
      const done = await desk.ledger({ before: null, kind: 'repair.done' });
      for (const { body, incidents } of done.entries) {
        const { incidents: keys } = body as { incidents: string[] };
        const repaired = await Promise.all(incidents.map((one) => desk.incident(one)));
        assert.deepEqual(repaired.map((one) => one!.incident.key).sort(), [...keys].sort());
      }
      assert.ok(done.entries.length > 0);
      assert.deepEqual((await desk.ledger({ before: null, kind: 'no.such' })).entries, []);
    }));

  it('tells neither of older entries where exactly a hundred are left', () =>
    audited('sqlite', async (world) => {
      const { source, key } = await world.incident(crashed);
      const missing = 100 - (await world.entries()).length;
      const note = { kind: 'incident.noted' as const, source, key, body: { by: 'ana', reason: 'x' } };
      await withLedger(world.config(), (ledger) => append(ledger, Array(missing).fill(note), longAfter));
      const { entries, before } = await deskOf(world).ledger({ before: null, kind: null });
      assert.deepEqual([entries.length, before], [100, null]);
    }));

  it('is exported line by line as `ledger export` prints it', () =>
    audited('sqlite', async (world) => {
      const printed: string[] = [];
      await exportLedger(world.config(), async (line) => void printed.push(line));
      const lines: string[] = [];
      for await (const line of deskOf(world).exportLedger()) lines.push(line);
      assert.equal(lines.length, (await world.entries()).length);
      assert.deepEqual(lines, printed);
    }));
});

forEachDatabase('The repaired rows', (kind) => {
  it('are counted with the chain, and an anchor is looked for in it', () =>
    audited(kind, async (world) => {
      const desk = deskOf(world);
      const { head, rows, problems, count } = await desk.verify(null);
      assert.deepEqual([problems, count], [[], head.seq]);
      assert.deepEqual([rows!.changed, rows!.deleted, rows!.overwritten], [0, 0, 0]);
      assert.ok(rows!.intact >= 20);
      assert.deepEqual((await desk.verify(`ledger head: ${head.seq} ${head.hash}`)).anchors, [
        { seq: head.seq, ok: true, why: null },
      ]);
      const [wrong] = (await desk.verify(`${head.seq} ${'0'.repeat(64)}`)).anchors;
      assert.equal(wrong!.ok, false);
      assert.match(wrong!.why!, /was rewritten/);
      await assert.rejects(desk.verify('no head'), UsageError);

      await world.inSource(({ knex }) => knex('rounds').where({ id: 9818 }).update({ end_reason: 'X' }));
      await world.inSource(({ knex }) => knex('lua_round_teams').where({ round_id: 9821 }).delete());
      const after = (await desk.verify(null)).rows!;
      assert.deepEqual([after.changed, after.deleted], [1, 1]);
    }));
});

/** How often this process has a database open: as a file, or as a socket. */
function timesOpen(url: string): number {
  if (!url.startsWith('sqlite:'))
    return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const path = url.slice('sqlite:'.length);
  return readdirSync('/proc/self/fd').filter((name) => linkOf(`/proc/self/fd/${name}`) === path).length;
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** Sockets take a moment to be gone. */
async function settles(value: () => number, at: number): Promise<void> {
  for (let tries = 0; tries < 500 && value() !== at; tries++) await sleep(10);
  assert.equal(value(), at);
}

forEachDatabase('An export of a ledger', (kind) => {
  const skip = !existsSync('/proc/self/fd') && 'open files can be seen on Linux only';

  for (const [how, take] of [
    ['where its reader stops after one line', 1],
    ['at its end', 3],
  ] as const)
    it(`closes it ${how}`, { skip }, async () => {
      const test = await openTestDatabase(kind);
      const dataDir = mkdtempSync(join(tmpdir(), 'roundwarden-data-'));
      try {
        const config = parseConfig({ LEDGER_DATABASE_URL: test.url, DATA_DIR: dataDir });
        const stopped = { kind: 'plan.stopped' as const, source: 'test', key: 'plan', body: {} };
        await withLedger(config, (ledger) => append(ledger, [stopped, stopped, stopped], longAfter));
        const desk = openDesk(config, { nowMs: () => Date.parse(longAfter) });
        const open = () => timesOpen(test.url);
        await settles(open, 0);
        let seen = 0;
        for await (const line of desk.exportLedger()) {
          assert.match(line, /"kind":"plan.stopped"/);
          assert.ok(open() > 0);
          seen += 1;
          if (take < 3) break;
        }
        await settles(open, 0);
        assert.equal(seen, take);
      } finally {
        await test.close();
        rmSync(dataDir, { recursive: true, force: true });
      }
    });
});

describe('Before the first audit', () => {
  it('there is nothing to show, and asking makes no ledger', () =>
    inWorld('sqlite', february, async (world) => {
      const desk = deskOf(world, '2026-02-17T12:00:00.000Z');
      const overview = await desk.overview();
      assert.deepEqual(
        [overview.lastAudit, overview.runs, overview.open, overview.head],
        [null, [], [], null],
      );
      assert.equal(overview.figures!.coverage.open.unchecked, 32);
      assert.equal((await desk.incidents(everything)).total, 0);
      assert.equal(await desk.incident(1), null);
      assert.deepEqual(await desk.ledger({ before: null, kind: null }), {
        entries: [],
        head: null,
        before: null,
      });
      assert.deepEqual(await desk.reports(), []);
      assert.deepEqual(await desk.health(), { ok: false, lastAuditAt: null });
      const measured = await desk.measurements();
      assert.deepEqual([measured.ledgerSeq, measured.lastAudit, measured.outbox.queued], [0, null, 0]);
      await assert.rejects(desk.verify(null), /there is no ledger yet/);
      await assert.rejects(desk.decide(1, { kind: 'note', reason: 'x' }, 'ana'), UsageError);
      await assert.rejects(async () => {
        for await (const _ of desk.exportLedger()) assert.fail('there is no line');
      }, UsageError);
      assert.equal(existsSync(world.dataDir), false);
    }));

  it('its health says no where the ledger does not answer, and does not throw', async () => {
    const config = parseConfig({ LEDGER_DATABASE_URL: await refusingUrl() });
    const desk = openDesk(config, { nowMs: () => Date.parse(longAfter) });
    assert.deepEqual(await desk.health(), { ok: false, lastAuditAt: null });
  });
});
