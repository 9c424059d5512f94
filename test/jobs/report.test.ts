import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { decide } from '../../jobs/incidents.ts';
import { makeReport, readReport } from '../../jobs/report.ts';
import { listReports } from '../../jobs/report-files.ts';
import { formats } from '../../reports/format.ts';
import { explainCommand } from '../../reports/words.ts';
import { parseArtifact } from '../../src/artifacts/parse.ts';
import { coverageOf, expectedTotal, missingTotal, openTotal } from '../../src/core/coverage.ts';
import type { Row } from '../../src/core/model.ts';
import { parseArtifactName } from '../../src/core/names.ts';
import { localDay } from '../../src/core/time.ts';
import { forEachDatabase } from '../databases.ts';
import { incidentBeginning, reportOf, theMorningAfter } from '../reports/world.ts';
import { game, roundRow, zone } from './games.ts';
import { fixture, inWorld, longAfter } from './setup.ts';

const season = fixture('season-2026');

/** DOMAIN, section 6: day, rounds, missing, and the second rounds among them (of the older days only how many). */
const seedTable = [
  ['2026-02-16', 12, 4, [9856, 9865, 9868, 9871]],
  ['2026-02-11', 16, 6, [9819, 9825, 9828, 9831, 9833, 9836]],
  ['2026-02-06', 11, 11, 8],
  ['2026-02-04', 1, 1, 1],
];

/** Seconds of play in the ten artifacts of 2026-02-11. */
const playedSeconds = incidentBeginning.artifacts
  .filter(({ name }) => localDay(parseArtifactName(name)!.endUnix, zone) === '2026-02-11')
  .map(({ bytes }) => parseArtifact(Buffer.from(bytes as Uint8Array)))
  .reduce((sum, parsed) => sum + ('content' in parsed ? parsed.content.timing.durationSeconds : 0), 0);

forEachDatabase('The report', (kind) => {
  it('comes to the numbers that are known of February', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      await world.audit({ now: theMorningAfter });
      const { series, discrepancies } = await reportOf(world, { day: '2026-02-16' });
      const played = series.flatMap(({ day, coverage, missingR2 }) =>
        coverage === null
          ? []
          : [
              [
                day,
                expectedTotal(coverage),
                missingTotal(coverage),
                day > '2026-02-10' ? missingR2 : missingR2.length,
              ],
            ],
      );
      assert.deepEqual(played.reverse(), seedTable);
      assert.deepEqual(discrepancies, []);
    }));

  it('tells what was covered live from what a repair covered, and what that rescued', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      await world.audit({ now: theMorningAfter });
      const report = await reportOf(world, { day: '2026-02-11' });
      const { live, repaired, lost } = report.coverage;
      assert.deepEqual({ live, repaired, lost }, { live: 0, repaired: 10, lost: 6 });
      assert.deepEqual(report.rescued, { rounds: 10, minutes: Math.round(playedSeconds / 6) / 10 });
      assert.equal(report.repairs.length, 10);
      for (const { sha256, kind: repair, from, reverted } of report.repairs) {
        assert.match(sha256!, /^[0-9a-f]{64}$/);
        assert.deepEqual([repair, reverted], ['backfill', false]);
        assert.match(from, /^gametime-.*\.json$/);
      }
      assert.equal(report.delays.repair?.rounds, 10);
      assert.equal(report.delays.detection?.rounds, 16);
    }));

  it('shows a reverted repair as reverted, and its round as held', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      await world.audit({ now: theMorningAfter });
      const undone = (await world.entries('repair.started')).find(({ key }) => key.includes('adlernest|1|'))!;
      await world.revert(undone.seq, '2026-02-18T06:05:00.000Z');
      const { coverage, exceptions } = await reportOf(world, { day: '2026-02-11' });
      assert.deepEqual([coverage.repaired, coverage.setAside], [9, 1]);
      const held = exceptions.filter(({ setAside }) => setAside === 'held');
      assert.deepEqual(
        held.map(({ roundId }) => roundId),
        [9818],
      );
    }));

  it('calls nothing lost that no audit has looked for', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      const day = await reportOf(world, { day: '2026-02-16' });
      assert.equal(day.state, 'gaps');
      assert.deepEqual([day.coverage.live, day.coverage.lost, day.coverage.open.unchecked], [8, 0, 4]);
      assert.match(day.exceptions[0]!.because, /no audit has looked at it yet/);
      const earlier = await reportOf(world, { day: '2026-02-06' });
      assert.equal(earlier.state, 'nothing_checked');
      assert.match(earlier.title, /nothing could be checked: 11 rounds without a verdict/);
      assert.equal(day.ledger, null);
    }));

  it('says until when a young round waits, and afterwards that no audit has looked since', () => {
    const played = game('supply', 1, '2026-03-01 21:00:00');
    const rounds = [roundRow(1, played)];
    return inWorld(kind, { rounds, artifacts: incidentBeginning.artifacts }, async (world) => {
      const reportAt = (now: string) => reportOf(world, { day: '2026-03-01' }, now);
      const unseen = await reportAt('2026-03-01T20:06:00.000Z');
      assert.equal(unseen.exceptions[0]!.because, 'no audit has looked at it yet');
      await world.audit({ now: '2026-03-01T20:03:00.000Z' });
      const young = await reportAt('2026-03-01T20:03:10.000Z');
      assert.deepEqual([young.state, young.exceptions], ['waiting', []]);
      const [line] = young.sessions[0]!.rounds;
      assert.deepEqual([line!.verdict, line!.waitsUntil], ['pending', '2026-03-01 21:05:03']);
      const old = await reportAt('2026-03-01T20:05:03.000Z');
      assert.deepEqual(old.sessions[0]!.rounds[0]!.waitsUntil, null);
      assert.deepEqual(
        old.exceptions.map(({ verdict, because }) => [verdict, because]),
        [
          [
            'unchecked',
            'it waited for its capture until 2026-03-01 21:05:03, and no audit has looked at it since',
          ],
        ],
      );
      assert.deepEqual(await world.entries('gap.found'), []);
      await world.audit({ now: '2026-03-01T20:06:00.000Z' });
      const audited = await reportAt('2026-03-01T20:06:10.000Z');
      assert.deepEqual(
        audited.exceptions.map(({ verdict, reason }) => [verdict, reason]),
        [['missing', 'nothing_fits_yet']],
      );
    });
  });

  it('says that nobody played, which is neither good nor bad', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      await world.audit({ now: theMorningAfter });
      const { state, title, series, exceptions } = await reportOf(world, { day: '2026-02-17' });
      assert.deepEqual([state, title], ['no_rounds', '[test] 2026-02-17: no rounds were played']);
      assert.equal(series.at(-1)!.coverage, null);
      assert.deepEqual(exceptions, []);
    }));

  it('says on the day of a write-off which rounds of earlier days are lost', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      await world.audit({ now: '2026-02-16T22:30:00.000Z' });
      const fresh = await reportOf(world, { day: '2026-02-16' }, '2026-02-17T06:10:00.000Z');
      assert.deepEqual([fresh.coverage.open.missing, fresh.coverage.lost], [4, 0]);
      assert.match(fresh.title, /4 missing/);
      await world.audit({ now: '2026-02-17T22:30:00.000Z' });
      const next = await reportOf(world, { day: '2026-02-17' });
      assert.deepEqual(
        next.earlier.writtenOff.map(({ roundId }) => roundId),
        [9856, 9865, 9868, 9871],
      );
      assert.match(next.title, /no rounds were played; 4 rounds of earlier days written off/);
      for (const { packet, cause, incident } of next.earlier.writtenOff) {
        assert.equal(existsSync(join(world.dataDir, packet!, 'README.md')), true);
        assert.deepEqual([cause?.code, typeof incident], ['module_crashed', 'number']);
      }
      const moved = `${world.dataDir}-moved`;
      await cp(world.dataDir, moved, { recursive: true });
      const there = await readReport({
        config: { ...world.config(), dataDir: moved },
        asked: { day: '2026-02-17' },
        nowMs: Date.parse(theMorningAfter),
      });
      assert.deepEqual(
        there.earlier.writtenOff.map(({ packet }) => packet),
        next.earlier.writtenOff.map(({ packet }) => packet),
      );
    }));

  it('counts the auditor’s own runs, and the time in which none looked', () =>
    inWorld(
      kind,
      { ...incidentBeginning, settings: { ...incidentBeginning.settings, AUDIT_CRON: '0 * * * *' } },
      async (world) => {
        for (const hour of ['08', '09', '12']) await world.audit({ now: `2026-02-17T${hour}:00:20.000Z` });
        const { auditor } = await reportOf(world, { day: '2026-02-17' }, '2026-02-17T14:30:00.000Z');
        // A run that a test dates back ends when it really does: what matters here is when each began.
        assert.deepEqual(auditor.runs, { expected: 6, finished: 3, failed: 0 });
        const before = await reportOf(world, { day: '2026-02-16' });
        assert.deepEqual(before.auditor.runs, { expected: 0, finished: 0, failed: 0 });
        assert.equal(before.auditor.blindSeconds, 0);
      },
    ));

  it('gives a session that began on one day and ended on the next as one', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      await world.inSource((database) =>
        database
          .knex('rounds')
          .where('id', '>=', 9867)
          .where('id', '<=', 9872)
          .update({ round_date: '2026-02-17' }),
      );
      await world.audit({ now: theMorningAfter });
      const report = await reportOf(world, { session: 89 });
      assert.deepEqual(report.window, {
        kind: 'session',
        session: 89,
        since: '2026-02-16',
        until: '2026-02-17',
      });
      assert.equal(expectedTotal(report.coverage), 12);
      assert.deepEqual(report.discrepancies, []);
      await assert.rejects(reportOf(world, { session: 12_345 }), /there is no session 12345 in test/);
    }));

  it('says in every report when a row cannot be placed in time', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      await world.inSource((database) =>
        database.knex('rounds').where({ id: 9871 }).update({ round_date: '2026-02-3x' }),
      );
      await world.audit({ now: theMorningAfter });
      for (const day of ['2026-02-16', '2026-02-17']) {
        const { exceptions, discrepancies, coverage } = await reportOf(world, { day });
        assert.deepEqual(discrepancies, []);
        assert.equal(coverage.open.unchecked, 1);
        assert.match(exceptions.find(({ roundId }) => roundId === 9871)!.because, /cannot be read/);
      }
    }));

  it('writes each format, an index, and removes what is older than it is kept', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      await world.audit({ now: theMorningAfter });
      const folder = join(world.dataDir, 'reports', 'test');
      mkdirSync(folder, { recursive: true });
      const old = new Date('2026-01-01T00:00:00Z');
      for (const name of ['2025-12-31.html', '2025-12-31.json', 'notes.txt']) {
        writeFileSync(join(folder, name), '{}');
        utimesSync(join(folder, name), old, old);
      }
      const config = world.config({ REPORT_KEEP_DAYS: '30' });
      const nowMs = Date.parse(theMorningAfter);
      const { paths, index } = await makeReport({ config, asked: { day: '2026-02-16' }, formats, nowMs });
      assert.deepEqual(
        paths.map((path) => path.slice(folder.length + 1)),
        ['2026-02-16.html', '2026-02-16.md', '2026-02-16.json', '2026-02-16.csv'],
      );
      await makeReport({ config, asked: { session: 88 }, formats: ['csv'], nowMs });
      assert.deepEqual(readdirSync(folder).sort(), [
        ...['2026-02-16.csv', '2026-02-16.html', '2026-02-16.json', '2026-02-16.md'],
        ...['notes.txt', 'session-88.csv', 'session-88.json'],
      ]);
      const page = readFileSync(index, 'utf8');
      assert.match(page, /href="test\/2026-02-16\.html"/);
      const listed = listReports(config);
      assert.deepEqual(
        listed.map(({ name, formats: own }) => [name, own.join()]),
        [
          ['test/2026-02-16', 'html,md,json,csv'],
          ['test/session-88', 'json,csv'],
        ],
      );
      for (const name of ['session-88.csv', 'session-88.json']) utimesSync(join(folder, name), old, old);
      await makeReport({ config, asked: { day: '2026-02-11' }, formats, nowMs });
      assert.deepEqual(
        listReports(config).map(({ name }) => name),
        ['test/2026-02-16', 'test/2026-02-11'],
      );
    }));

  it('names the packet of a round that was reopened since', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      await world.audit({ now: theMorningAfter });
      const packetOf = async () =>
        (await reportOf(world, { day: '2026-02-16' })).exceptions.find(({ roundId }) => roundId === 9856)!;
      const lost = await packetOf();
      const said = { id: lost.incident!, by: 'ana', reason: '', nowMs: Date.parse(theMorningAfter) };
      await decide(world.config(), { ...said, deciding: { kind: 'incident.reopened' } });
      const reopened = await packetOf();
      assert.deepEqual([lost.verdict, reopened.verdict], ['lost', 'unchecked']);
      assert.match(lost.packet!, /^packets\/.*-9856$/);
      assert.equal(reopened.packet, lost.packet);
      assert.equal(explainCommand(reopened), 'roundwarden explain 9856');
      assert.equal(explainCommand({ ...reopened, packet: null }), 'roundwarden explain 9856 --packet');
    }));

  it('keeps reports of old days that were asked for today', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      await world.audit({ now: theMorningAfter });
      const config = world.config({ REPORT_KEEP_DAYS: '30' });
      for (const day of ['2026-02-04', '2026-02-16'])
        await makeReport({ config, asked: { day }, formats, nowMs: Date.now() + 30 * 86_400_000 });
      assert.deepEqual(
        listReports(config).map(({ name }) => name),
        ['test/2026-02-16', 'test/2026-02-04'],
      );
    }));
});

/** The verdict that is expected of each round of the season once everything is settled, by its day. */
function expectedOf(day: string): { rounds: number; covered: number } {
  const dayOf = new Map(season.rounds.map((row: Row) => [row.id, row.round_date]));
  const own = season.expected.filter(({ round_id }) => dayOf.get(round_id) === day);
  return { rounds: own.length, covered: own.filter(({ verdict }) => verdict === 'covered').length };
}

forEachDatabase('The reports of a season', (kind) => {
  it('add up on every day, and agree with the audit', () =>
    inWorld(kind, { ...season, version: 'august' }, async (world) => {
      const audited = await world.audit({ now: longAfter });
      const days = [...new Set(season.rounds.map(({ round_date }) => String(round_date)))].sort();
      let all = coverageOf([]);
      let [covered, open, lost] = [0, 0, 0];
      for (const day of days) {
        const { coverage, discrepancies } = await reportOf(world, { day }, longAfter);
        assert.deepEqual(discrepancies, [], day);
        const expected = expectedOf(day);
        assert.equal(coverage.live, expected.covered, `${day}: ${JSON.stringify(coverage)}`);
        all = { ...all, rows: all.rows + coverage.rows };
        covered += coverage.live + coverage.repaired;
        open += openTotal(coverage);
        lost += coverage.lost;
      }
      assert.equal(all.rows, audited.rowsRead);
      const { after } = audited;
      assert.equal(covered, after.covered);
      assert.equal(lost, after.lost);
      const openAfter = [
        'damaged',
        'ambiguous',
        'conflict',
        'unchecked',
        'missing',
        'recoverable',
        'relinkable',
      ] as const;
      assert.equal(
        open,
        openAfter.reduce((sum, verdict) => sum + after[verdict], 0),
      );
    }));
});
