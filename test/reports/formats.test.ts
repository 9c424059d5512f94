import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { renderReport } from '../../jobs/report.ts';
import { formats } from '../../reports/format.ts';
import { mostBytes } from '../../reports/html.tsx';
import { indexPage } from '../../reports/index-page.tsx';
import { textReport } from '../../reports/markdown.ts';
import type { Report, ReportException } from '../../reports/model.ts';
import { duplicatesText, measureTexts } from '../../reports/sentences.ts';
import { inWorld } from '../jobs/setup.ts';
import { incidentBeginning, reportOf, theMorningAfter } from './world.ts';

let report: Report;
before(() =>
  inWorld('sqlite', incidentBeginning, async (world) => {
    await world.audit({ now: theMorningAfter });
    report = await reportOf(world, { day: '2026-02-16' });
  }),
);

const hostile = '<script>alert(1)</script>"><img src=x onerror=alert(1)>=SUM(A1)|`x`\r\nBcc: all\u202e\u0000';

/** The same report with every text of the game's world made hostile. */
function hostileReport(): Report {
  const one: ReportException = report.exceptions[0]!;
  const cause = {
    ...one.cause!,
    because: hostile,
    evidence: [{ file: hostile, line: 1, text: hostile }],
  };
  const exception = {
    ...one,
    map: hostile,
    matchId: hostile,
    played: hostile,
    because: hostile,
    cause,
    packet: hostile,
  };
  const line = { ...report.sessions[0]!.rounds[0]!, map: hostile, played: hostile, moduleVersion: hostile };
  return {
    ...report,
    source: hostile,
    title: hostile,
    discrepancies: [hostile],
    exceptions: [exception],
    earlier: { writtenOff: [exception], open: [exception] },
    sessions: [{ ...report.sessions[0]!, rounds: [line] }],
    splits: { ...report.splits, map: [{ ...report.splits.map[0]!, name: hostile }] },
    repairs: [
      {
        ...{ roundId: 1, matchId: hostile, map: hostile, number: 1, session: 1, played: hostile },
        ...{ kind: 'backfill', from: hostile, sha256: null, deltaSeconds: 1 },
        ...{ at: '2026-02-17T00:00:00.000Z', entry: 1, reverted: false },
      },
    ],
    duplicates: [{ map: hostile, number: 1, received: 2, stored: 2, lines: cause.evidence }],
    auditor: {
      ...report.auditor,
      unreadablePlaces: [{ place: hostile, since: '2026-02-17T00:00:00.000Z', why: hostile }],
      deadLetters: [{ channel: 'mail', key: hostile, why: hostile }],
    },
  };
}

describe('The HTML report', () => {
  it('has no script, no handler, and asks nothing of anybody', async () => {
    const html = await renderReport(report, 'html');
    assert.doesNotMatch(
      html,
      /<script|javascript:|\son\w+=|<link(?! rel="icon" href="data:,")|<iframe|<form/i,
    );
    assert.doesNotMatch(html.replace(/xmlns(:\w+)?="[^"]*"/g, ''), /https?:|\/\/[a-z]/i);
    assert.doesNotMatch(html, /\sstyle="/);
    assert.equal(html.match(/<style>/g)?.length, 1);
  });

  it('says first what is lost, and of each lost round its map, number, ids, time, cause and packet', async () => {
    const html = await renderReport(report, 'html');
    const [head] = html.split('id="sessions"');
    for (const { roundId, played, packet, matchId, incident } of report.exceptions)
      for (const part of [`round ${roundId}`, played, packet, matchId, `incident ${incident}`])
        assert.equal(head!.includes(String(part)), true, `${part} is not before the sessions`);
    assert.match(head!, /module_crashed/);
    assert.match(head!, /number has no integer representation/);
  });

  it('says until when a round waits: the time alone on the day of the others, and with its day on another', async () => {
    const waiting = (until: string) => ({
      ...report.sessions[0]!.rounds[0]!,
      state: 'pending' as const,
      verdict: 'pending' as const,
      waitsUntil: until,
    });
    const rounds = [waiting('2026-02-16 23:59:59'), waiting('2026-02-17 00:03:00')];
    const pending = { ...report, sessions: [{ ...report.sessions[0]!, rounds }] };
    const html = await renderReport(pending, 'html');
    assert.match(html, /pending<\/span> waits for its capture until 23:59:59</);
    assert.match(html, /pending<\/span> waits for its capture until 2026-02-17 00:03:00</);
    const text = textReport(pending);
    assert.match(text, /\| pending, waits for its capture until 2026-02-16 23:59:59 \|/);
    const [head, line] = (await renderReport(pending, 'csv')).split('\r\n');
    assert.match(head!, /,because,waits_until$/);
    assert.match(line!, /,2026-02-16 23:59:59$/);
  });

  it('says verdict and cause of thirty rounds once, before a line for each', async () => {
    const one = report.exceptions[0]!;
    const lost = Array.from({ length: 30 }, (_, at): ReportException => ({ ...one, roundId: 20_000 + at }));
    const html = await renderReport({ ...report, exceptions: lost }, 'html');
    const [head] = html.split('id="sessions"');
    assert.equal(head!.match(/no integer representation\)\./g)?.length, 1);
    assert.equal(head!.match(/What was tried/g)?.length, 1);
    assert.equal(head!.match(/<li>.*?<\/li>/g)?.length, 30);
    const [text] = textReport({ ...report, exceptions: lost }).split('## Sessions');
    assert.match(text!, /^### lost, 30 rounds of session 89$/m);
    assert.equal(text!.match(/^\* .* R2\b/gm)?.length, 30);
  });

  it('cuts what a round says of itself where it is long', async () => {
    const long = `${'x'.repeat(50_000)} end`;
    const lost = [1, 2].map((roundId) => ({
      ...report.exceptions[0]!,
      roundId,
      because: `${roundId} ${long}`,
    }));
    const html = await renderReport({ ...report, exceptions: lost }, 'html');
    assert.ok(Buffer.byteLength(html.replace(/<svg[\s\S]*?<\/svg>/g, '')) < mostBytes);
    assert.match(html, /1 xxx[^<]* … [^<]*x end<\/span>/);
  });

  it('escapes what comes from the game, in every place', async () => {
    const html = (await renderReport(hostileReport(), 'html')).replace(/<svg[\s\S]*?<\/svg>/g, '');
    assert.doesNotMatch(html, /<script|<img/i);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(html, /[\u0000\u202e]/);
    assert.ok(html.includes('&lt;script&gt;'));
  });

  it('says in red when the sums do not add up', async () => {
    const html = await renderReport(
      { ...report, discrepancies: ['by map: 3 rounds in all, and 4 in the window'] },
      'html',
    );
    assert.match(html, /class="alarm" role="alert"[\s\S]*do not add up[\s\S]*by map: 3 rounds/);
    assert.doesNotMatch(await renderReport(report, 'html'), /role="alert"/);
  });
});

describe('The other formats', () => {
  it('are the same bytes each time', async () => {
    for (const format of formats) {
      const first = await renderReport(report, format);
      await renderReport({ ...report, title: 'another', series: report.series.slice(1) }, format);
      assert.equal(await renderReport(structuredClone(report), format), first);
    }
  });

  it('CSV has one line for each expected round, and no cell that is a formula', async () => {
    const csv = await renderReport(report, 'csv');
    assert.equal(csv.trimEnd().split('\r\n').length, 13);
    const [, line] = (
      await renderReport(
        {
          ...report,
          sessions: [
            {
              ...report.sessions[0]!,
              rounds: [{ ...report.sessions[0]!.rounds[0]!, map: '=HYPERLINK("x"),"' }],
            },
          ],
        },
        'csv',
      )
    ).split('\r\n');
    assert.ok(line!.includes(`"'=HYPERLINK(""x""),"""`), line);
  });

  it('CSV has no formula either where a spreadsheet parts it at semicolons, or at tabs', async () => {
    const csvOf = (map: string) => {
      const rounds = [{ ...report.sessions[0]!.rounds[0]!, map }];
      return renderReport({ ...report, sessions: [{ ...report.sessions[0]!, rounds }] }, 'csv');
    };
    const cases: [map: string, cell: string][] = [
      ['x;=1+1', "x;'=1+1"],
      ['x; =1+1;-1;@x;+1', "x;' =1+1;'-1;'@x;'+1"],
      ['x;"=1+1"', `"x;'""=1+1"""`],
      ['x\t=1+1', 'x =1+1'],
      ['\t=1+1', "' =1+1"],
      ['a; b = c', 'a; b = c'],
    ];
    for (const [map, cell] of cases) {
      const csv = await csvOf(map);
      assert.ok(csv.includes(`,${cell},`), csv);
      assert.doesNotMatch(csv, /(^|[;\t])["\s]*[=+\-@]/m);
    }
  });

  it('Markdown keeps hostile names in their cells, and the text of the mail shows them as they are', async () => {
    const markdown = await renderReport(hostileReport(), 'md');
    assert.doesNotMatch(markdown, /(?<!\\)<script/);
    assert.doesNotMatch(markdown, /^Bcc:/m);
    assert.match(textReport(report), /te_escape2 R2/);
    assert.doesNotMatch(textReport(report), /\\_/);
  });

  it('Markdown says what the page says: delays, rescue, blindness, duplicates, and the live rounds of each day', async () => {
    const [from, to] = ['2026-02-16T02:00:00.000Z', '2026-02-16T04:30:00.000Z'];
    const blind = {
      ...{
        runs: { expected: 480, finished: 430, failed: 1 },
        blindSeconds: 9_300,
        longestBlind: { from, to },
      },
      unreadablePlaces: [{ place: '/srv/gametimes', since: from, why: 'no such directory' }],
    };
    const unusual: Report = {
      ...report,
      coverage: { ...report.coverage, exempt: { ...report.coverage.exempt, summary: 5, bots: 1 } },
      series: report.series.map((day) => ({ ...day, unlikely: day.day === '2026-02-16' })),
      auditor: { ...report.auditor, ...blind },
    };
    const page = (await renderReport(unusual, 'html')).replaceAll('&#39;', "'").replace(/<[^>]*>/g, '');
    const text = textReport(unusual);
    for (const said of [
      '6 rows exempt (5 summary, 1 bots)',
      ...measureTexts(unusual),
      'No rounds were played on 26 of 30 days.',
      duplicatesText(unusual),
      'received 2 times, stored 2 times',
      'Audits: 430 finished of 480 expected, 1 failed.',
      'Blind for 2 h 35 min, the longest from 2026-02-16 02:00 UTC to 2026-02-16 04:30 UTC.',
      '/srv/gametimes cannot be read since 2026-02-16 02:00 UTC: no such directory',
    ])
      assert.deepEqual([said, page.includes(said), text.includes(said)], [said, true, true]);
    assert.match(text, /^\| 2026-02-16 \| 6 of 6 \| 2 of 6 \| 4 \| 4 \| .* \| unusually few R2 \|$/m);
  });

  it('the index escapes titles', () => {
    const page = indexPage([{ name: 'a/2026-02-16', title: hostile, state: 'gaps', formats: ['html'] }]);
    assert.doesNotMatch(page, /<script|<img/i);
  });
});
