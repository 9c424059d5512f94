import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { r2Chart, roundsChart } from '../../reports/charts.ts';
import { htmlReport, mostBytes } from '../../reports/html.tsx';
import { type Report, type ReportException, reportSchema } from '../../reports/model.ts';
import { goldenReport, many, reportOfSizes } from './sizes.ts';

const report = goldenReport('2026-02-16');
const charts = [roundsChart(report.series, 'page'), r2Chart(report.series, 'page')];

const withoutPictures = (html: string) => html.replace(/<svg[\s\S]*?<\/svg>/g, '');
const page = (of: Report) => withoutPictures(htmlReport(of, { charts, picture: 'svg' }));
const mail = (of: Report) => htmlReport(of, { charts, picture: 'cid' });

function assertSmall(of: Report): void {
  for (const [showing, html] of Object.entries({ page: page(of), mail: mail(of) }))
    assert.ok(Buffer.byteLength(html) < mostBytes, `the ${showing} has ${Buffer.byteLength(html)} bytes`);
}

const aLine = report.sessions[0]!.rounds[0]!;
const anException = report.exceptions[0]!;
const { coverage } = report.sessions[0]!;

/** The report of a day on which these maps were played, a round each, all of them lost. */
function playedOn(maps: readonly string[]): Report {
  const rounds = maps.map((map) => ({ ...aLine, map }));
  return {
    ...report,
    exceptions: maps.map((map) => ({ ...anException, map })),
    sessions: [{ ...report.sessions[0]!, rounds }],
    splits: { ...report.splits, map: maps.map((name) => ({ name, coverage })) },
  };
}

/** A report of four hundred exceptions in each list, and of as many rounds. */
function ofManyRounds(): Report {
  const exceptions = many(400, (at): ReportException => {
    const because = `${anException.cause!.because} (${at % 40})`;
    return { ...anException, roundId: at, cause: { ...anException.cause!, because } };
  });
  const rounds = many(400, (roundId) => ({ ...aLine, roundId }));
  const sessions = [{ ...report.sessions[0]!, rounds }];
  return { ...report, exceptions, earlier: { writtenOff: exceptions, open: exceptions }, sessions };
}

const ofAuditor = (auditor: Partial<Report['auditor']>) => ({
  ...report,
  auditor: { ...report.auditor, ...auditor },
});

const long = (letters: number) => `first${'x'.repeat(letters)}last`;
const quote = (text: string) => ({ file: text, line: 1, text });

const cases: readonly [what: string, of: Report, says: RegExp][] = [
  ['four hundred rounds, all of them lost', ofManyRounds(), /and \d+ more: <code>roundwarden incidents/],
  [
    '120 sessions of a round each',
    {
      ...report,
      sessions: many(120, (session) => ({ session, coverage, rounds: [{ ...aLine, session }] })),
      splits: { ...report.splits, session: many(120, (at) => ({ name: `${at}`, coverage })) },
    },
    /and the rounds of \d+ more sessions: the JSON lists them all/,
  ],
  ['20 maps with names of 4,000 characters', playedOn(many(20, (at) => `${at}${long(4_000)}`)), /xx … xx/],
  ['a map with a name of 120,000 characters', playedOn([long(120_000)]), /firstx+ … x+last/],
  [
    '1,000 places that cannot be read',
    ofAuditor({
      unreadablePlaces: many(1_000, (at) => ({
        place: `/srv/${at}`,
        since: report.asOf,
        why: 'ENOENT: no such place',
      })),
    }),
    /and \d+ more: the JSON lists them all/,
  ],
  [
    '20 dead letters with reasons of 6,000 characters',
    ofAuditor({ deadLetters: many(20, (at) => ({ channel: 'mail', key: `${at}`, why: long(6_000) })) }),
    /firstx+ … x+last/,
  ],
  [
    '2,000 sums that do not hold',
    { ...report, discrepancies: many(2_000, (at) => `by map: ${at} rounds in all, and 4 in the window`) },
    /role="alert".*and \d+ more: the JSON lists them all/,
  ],
  [
    'a duplicate of 3,000 lines',
    {
      ...report,
      duplicates: [
        { map: 'supply', number: 1, received: 2, stored: 2, lines: many(3_000, () => quote('a line')) },
      ],
    },
    /and \d+ more: the JSON lists them all<\/pre>/,
  ],
  [
    'a cause with log lines and words of 50,000 characters',
    {
      ...report,
      exceptions: [
        {
          ...anException,
          because: long(50_000),
          cause: { ...anException.cause!, because: long(50_000), evidence: [quote(long(50_000))] },
        },
      ],
    },
    /firstx+ … x+last/,
  ],
  [
    'a source with a name of 60,000 characters',
    {
      ...report,
      source: long(60_000),
      title: `[${long(60_000)}] 2026-02-16: 4 of 12 rounds without a capture`,
    },
    /<h1 [^>]*>\[firstx+ … x+last\] 2026-02-16: 4 of 12 rounds without a capture</,
  ],
  [
    'a checkpoint of a key with a name of 60,000 characters',
    { ...report, checkpoint: { note: `${long(60_000)}\n52\n`, problem: null } },
    /The same, signed, is too long to stand here: the JSON has it/,
  ],
];

describe('A page without its pictures, and a mail, stay below 100 kB, and say what they leave out, with', () => {
  for (const [what, of, says] of cases)
    it(what, () => {
      assertSmall(of);
      assert.match(page(of), says);
    });

  for (const character of ['"', '_', '漢', '🎮', '\ud800', 'a ', '; "', '_"&'])
    it(`the largest of everything, made of ${JSON.stringify(character)}`, () => {
      const text = character.repeat(600);
      const worst = reportOfSizes({ text, groups: 4, rows: 7, number: Number.MAX_SAFE_INTEGER });
      assert.equal(reportSchema.safeParse(worst).success, true);
      assertSmall(worst);
    });

  it('any sizes of everything', () => {
    const text = fc.tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }), fc.nat(150));
    const sizes = fc.record({
      text: text.map(([piece, times]) => piece.repeat(times)),
      groups: fc.nat(6),
      rows: fc.nat(12),
      number: fc.maxSafeNat(),
    });
    fc.assert(
      fc.property(sizes, (given) => assertSmall(reportOfSizes(given))),
      { numRuns: 20 },
    );
  });
});

/** The cells of the rows of the table with that caption. */
function cellsOf(html: string, caption: string): string[][] {
  const [, body = ''] = html.split(`<caption>${caption}</caption>`)[1]!.split(/<\/?tbody>/);
  return [...body.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
    [...row!.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell]) => cell!),
  );
}

describe('A table of counts that is cut', () => {
  const names = many(210, (at) => ({ name: `map ${at}`, coverage: { ...coverage, live: at, lost: 1 } }));

  for (const [caption, splits] of [
    ['Rounds by map', { map: names }],
    ['Rounds by module version', { moduleVersion: names }],
    ['Rounds by session', { session: names }],
  ] as const)
    it(`adds up: ${caption}`, () => {
      const rows = cellsOf(page({ ...report, splits: { ...report.splits, ...splits } }), caption);
      assert.match(rows.at(-1)![0]!, /^and \d+ more: the JSON lists them all$/);
      const live = rows.map(([, , cell]) => Number(cell));
      assert.equal(
        live.reduce((sum, one) => sum + one, 0),
        (209 * 210) / 2,
      );
      const lost = rows.map((cells) => Number(cells[7]));
      assert.equal(
        lost.reduce((sum, one) => sum + one, 0),
        210,
      );
    });
});
