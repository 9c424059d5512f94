import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { AuditResult, VerdictLine } from '../../jobs/audit-result.ts';
import { verifyExitCode, verifyLedger } from '../../jobs/ledger.ts';
import { total } from '../../src/core/counts.ts';
import type { Row } from '../../src/core/model.ts';
import {
  dumpSource,
  fixture,
  incidentRows,
  longAfterMs,
  runAudit,
  runCommand,
  type Scene,
  using,
  withScene,
  withSettings,
} from './scene.ts';

/** The gap beside which each bad file is laid: etl_adlernest R2 of 11 February, which has no artifact. */
const gap = { roundId: 9819, name: 'gametime-etl_adlernest-R2-1770841779.json', endUnix: 1_770_841_779 };

/** A whole artifact of that gap, made from one of another round. */
function wholeArtifact(): string {
  const text = readFileSync(join(fixture, 'gametimes', 'gametime-supply-R2-1770843722.json'), 'utf8');
  return text
    .replaceAll('supply', 'etl_adlernest')
    .replaceAll('1770843722', String(gap.endUnix))
    .replaceAll('1770843050', String(gap.endUnix - 672))
    .replaceAll('1770843010', String(gap.endUnix - 712));
}

const longAgo = new Date('2026-02-12T00:00:00Z');

/** Writes a file that was finished long ago. */
function lay(path: string, content: string | Uint8Array): void {
  writeFileSync(path, content);
  utimesSync(path, longAgo, longAgo);
}

function makePipe(path: string): void {
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
}

function assertAddsUp(result: AuditResult): void {
  assert.equal(result.rowsRead, 61);
  assert.equal(total(result.counts), 61);
  assert.equal(total(result.after), 61);
}

async function auditBeside(
  put: (directory: string) => void,
  look: (result: AuditResult, line: VerdictLine, scene: Scene) => void | Promise<void>,
): Promise<void> {
  await withScene({ source: 'sqlite' }, async (first) => {
    const place = join(first.directory, 'place');
    cpSync(join(fixture, 'gametimes'), place, { recursive: true, preserveTimestamps: true });
    put(place);
    const scene = withSettings(first, { GAMETIME_PATHS: place });
    const result = await runAudit(scene);
    assertAddsUp(result);
    assert.ok(result.after.covered >= 18, 'the other rounds are repaired');
    const check = await verifyLedger(scene.config, { anchors: [], rows: true });
    assert.equal(verifyExitCode(check), 0);
    const again = await runAudit(scene, { nowMs: longAfterMs + 180_000 });
    assert.deepEqual(again.plan, []);
    await look(result, result.verdicts.find(({ roundId }) => roundId === gap.roundId)!, scene);
  });
}

const whole = wholeArtifact();
const longName = 'x'.repeat(40);

describe('an artifact that is not whole or not sane makes its round damaged', () => {
  const cases: readonly [string, string | Uint8Array, RegExp][] = [
    ['an empty file', '', /it is empty/],
    ['white space', '\n  \n', /nothing but white space/],
    ['two megabytes of noise', randomBytes(2_000_000), /larger than 1 MiB \(2000000 bytes\)/],
    ['noise', randomBytes(5_000), /./],
    ['bytes that are no UTF-8', new Uint8Array(500).fill(0xff), /./],
    ['NUL bytes', new Uint8Array(4_096), /./],
    ['half of it', whole.slice(0, whole.length / 2), /cut off/],
    ['no closing brace', whole.trimEnd().slice(0, -1), /cut off|closing/],
    ['JSON that is something else', '[1, 2, 3]', /no meta and payload/],
    ['a million brackets', '['.repeat(1_000_000), /./],
    [
      'an end beyond bigint',
      whole.replaceAll(String(gap.endUnix), '99999999999999999999999'),
      /meta is wrong|not a unix time|too/,
    ],
    ['a spawn count beyond int4', whole.replace(/"spawns":\d+/, '"spawns":9999999999999999999999'), /spawn/i],
    [
      'a playtime beyond int4',
      whole.replace(/"value": "\d+ sec"/, '"value": "99999999999999999999 sec"'),
      /Lua_Playtime/,
    ],
    ['an infinite number', whole.replace(/"spawns":\d+/, '"spawns":1e999'), /./],
    [
      'another end than its name says',
      whole.replaceAll(String(gap.endUnix), String(gap.endUnix + 60)),
      /its name says end/,
    ],
    ['another map than its name says', whole.replaceAll('etl_adlernest', 'goldrush'), /its name says map/],
    [
      'a start after its end',
      whole.replaceAll(String(gap.endUnix - 672), String(gap.endUnix + 1)),
      /is after its end/,
    ],
    ['__proto__ for meta', '{"__proto__":{"meta":1},"payload":{}}', /./],
  ];
  for (const [what, content, why] of cases)
    test(`${what}`, async () => {
      await auditBeside(
        (directory) => lay(join(directory, gap.name), content),
        (result, line) => {
          assert.equal(line.verdict, 'damaged', line.because);
          assert.match(line.because, why);
          assert.equal(line.action, 'none');
          assert.equal(result.after.covered, 18);
          assert.equal(result.after.damaged, 1);
          assert.equal(result.open, true);
        },
      );
    });

  for (const end of ['.part', '.tmp', '.filepart'])
    test(`an unfinished name (.json${end}), however whole its content`, async () => {
      await auditBeside(
        (directory) => lay(join(directory, `${gap.name}${end}`), whole),
        (_, line) => {
          assert.equal(line.verdict, 'damaged', line.because);
          assert.match(line.because, /its name is unfinished/);
        },
      );
    });
});

describe('what is no file is named with the reason, and never followed', () => {
  const cases: readonly [string, (path: string) => void, RegExp][] = [
    ['a directory', (path) => mkdirSync(path), /it is a directory/],
    ['a symbolic link to a system file', (path) => symlinkSync('/etc/passwd', path), /symbolic link/],
    ['a symbolic link to nothing', (path) => symlinkSync('/nowhere', path), /symbolic link/],
    [
      'a symbolic link to a whole artifact elsewhere',
      (path) => {
        lay(`${path}.aside`.replace('/place/', '/'), whole);
        symlinkSync(`${path}.aside`.replace('/place/', '/'), path);
      },
      /symbolic link/,
    ],
    ['a named pipe that nobody writes', makePipe, /named pipe/],
  ];
  for (const [what, make, why] of cases)
    test(`${what}`, async () => {
      await auditBeside(
        (directory) => make(join(directory, gap.name)),
        (result, line) => {
          assert.equal(line.verdict, 'damaged');
          assert.match(line.because, why);
          assert.equal(result.after.covered, 18);
        },
      );
    });

  const names: readonly string[] = [
    'gametime-..%2f..%2fetc%2fpasswd-R2-1770841779.json',
    'gametime-$(touch pwned)-R2-1770841779.json',
    "gametime-';drop table rounds;---R2-1770841779.json",
    'gametime-\u001b[2Jetl-R2-1770841779.json',
    'gametime-a\nb-R2-1770841779.json',
    'gametime-etl_adlernest-R2-1770841779.json.json/'.slice(0, -1),
    'gametime-etl_adlernest-R2-99999999999999999999.json',
    'gametime-etl_adlernest-R3-1770841779.json',
    'gametime-.json',
    `gametime-${longName.repeat(5)}-R2-1770841779.json`,
    'gametime-\u202eetl-R2-1770841779.json',
    'gametime-*?[]{}-R2-1770841779.json',
  ];
  test('names that try to escape fit no round, and break no output', async () => {
    await auditBeside(
      (directory) => {
        for (const name of names) lay(join(directory, name), whole);
      },
      async (result, line, scene) => {
        assert.equal(result.after.covered, 18);
        assert.notEqual(line.action, 'backfill');
        const later = withSettings(scene, {});
        for (const args of [
          ['plan', '--all'],
          ['explain', '9819'],
          ['ledger', 'tail'],
        ]) {
          const { stdout, stderr } = await runCommand(later, args);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
          assert.doesNotMatch(stdout + stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
          assert.doesNotMatch(stderr, /\n {4}at /);
        }
      },
    );
  });
});

describe('what only looks bad is repaired', () => {
  test('a byte that is no UTF-8 in a name', async () => {
    const bytes = Buffer.from(whole.replaceAll('SuperBoyy', 'Super\u00e9oyy'), 'latin1');
    await auditBeside(
      (directory) => lay(join(directory, gap.name), bytes),
      async (result, line, scene) => {
        assert.deepEqual([line.verdict, line.outcome], ['recoverable', 'done'], line.because);
        assert.equal(result.after.covered, 19);
        const rows = await dumpSource(scene.sourceUrl);
        assert.ok(rows.some((row) => row.includes('Super\u00e9oyy')));
      },
    );
  });

  test('a damaged file beside a whole one of the same round', async () => {
    await auditBeside(
      (directory) => {
        lay(join(directory, gap.name), whole);
        lay(join(directory, gap.name.replace('1779', '1781')), '');
        lay(join(directory, `${gap.name}.part`), whole.slice(0, 100));
      },
      (result, line) => {
        assert.deepEqual([line.verdict, line.outcome], ['recoverable', 'done'], line.because);
        assert.equal(result.after.covered, 19);
      },
    );
  });
});

test('a file that may not be read leaves its round unchecked, and not lost', {
  skip: process.getuid?.() === 0 && 'root reads everything',
}, async () => {
  await auditBeside(
    (directory) => {
      lay(join(directory, gap.name), whole);
      chmodSync(join(directory, gap.name), 0);
    },
    (_, line) => {
      assert.deepEqual([line.verdict, line.reason], ['unchecked', 'artifact_unreadable']);
    },
  );
});

test('a file that is still being written is left for the next run', async () => {
  await withScene({ source: 'sqlite' }, async (first) => {
    const place = join(first.directory, 'place');
    cpSync(join(fixture, 'gametimes'), place, { recursive: true, preserveTimestamps: true });
    const scene = withSettings(first, { GAMETIME_PATHS: place });
    writeFileSync(join(place, gap.name), whole.slice(0, 900));
    const hourAfter = gap.endUnix + 3_600;
    utimesSync(join(place, gap.name), hourAfter - 10, hourAfter - 10);
    const young = await runAudit(scene, { nowMs: hourAfter * 1_000 });
    const line = young.verdicts.find(({ roundId }) => roundId === gap.roundId);
    assert.deepEqual([line?.verdict, line?.reason], ['unchecked', 'artifact_unreadable']);
    writeFileSync(join(place, gap.name), whole);
    const later = await runAudit(scene, { nowMs: Date.now() });
    assert.equal(later.after.covered, 19);
  });
});

test('every place at once may hold nothing but rubbish', async () => {
  await withScene({ source: 'sqlite' }, async (first) => {
    const places = ['empty', 'rubbish', 'absent', 'file'].map((name) => join(first.directory, name));
    mkdirSync(places[0]!);
    mkdirSync(places[1]!);
    lay(join(places[1]!, 'readme.txt'), 'no artifact');
    makePipe(join(places[1]!, 'pipe'));
    copyFileSync(join(fixture, 'rounds.json'), places[3]!);
    const scene = withSettings(first, { GAMETIME_PATHS: places.join(',') });
    const result = await runAudit(scene);
    assertAddsUp(result);
    assert.equal(result.counts.unchecked, 32);
    assert.deepEqual([result.counts.lost, result.counts.missing], [0, 0]);
    assert.deepEqual(
      result.places.map(({ unreadable }) => unreadable !== null),
      [true, true, true, true],
    );
  });
});

const blob = Buffer.from([0xff, 0x00, 0xfe]);
const huge = '9223372036854775807';

/** What SQLite lets a column hold, whatever its type. */
const oddValues: readonly [string, unknown][] = [
  ['null', null],
  ['text', 'abc'],
  ['an empty text', ''],
  ['an emoji', '\u{1f3ae}\u{1f1f8}\u{1f1ee}'],
  ['half an emoji', '\ud83c'],
  ['a long text', longName.repeat(1_000)],
  ['a NUL', 'a\u0000b'],
  ['a fraction', 2.5],
  ['a negative number', -1],
  ['seven', 7],
  ['a number as text', '2'],
  ['a huge number as text', huge],
  ['a huge number', BigInt(huge) - 1n],
  ['a real beyond every integer', 1e300],
  ['infinity', Number.POSITIVE_INFINITY],
  ['bytes', blob],
];

const roundColumns = [
  'match_id',
  'round_number',
  'round_date',
  'round_time',
  'map_name',
  'created_at',
  'round_status',
  'is_valid',
  'is_bot_round',
  'gaming_session_id',
  'round_start_unix',
  'round_end_unix',
  'actual_duration_seconds',
  'end_reason',
  'total_pause_seconds',
  'round_canonical_id',
];

const captureColumns = [
  'match_id',
  'round_number',
  'map_name',
  'round_id',
  'round_start_unix',
  'round_end_unix',
  'actual_duration_seconds',
  'axis_players',
  'lua_pause_events',
  'lua_warmup_seconds',
  'axis_score',
  'surrender_caller_name',
  'captured_at',
];

const notNull = new Set(['match_id', 'round_number', 'is_valid']);

/** What each row of one table holds in one column, by id. */
type Odd = ReadonlyMap<number, { name: string; value: unknown }>;

function spread(values: typeof oddValues, ids: readonly number[]): Odd {
  return new Map(values.map(([name, value], at) => [ids[at]!, { name, value }]));
}

/** An audit of a source with odd values: it ends, it adds up, the other rounds are repaired, and it comes to rest. */
async function assertUnimpressed(of: { table: string; column: string; odd: Odd }): Promise<void> {
  const rows = incidentRows();
  // Captures wait to be relinked, so that their whole rows are written down.
  if (of.table === 'lua_round_teams') for (const capture of rows.captures) capture.round_id = null;
  await withScene({ source: 'sqlite', rows }, async (scene) => {
    await using(scene.sourceUrl, async ({ knex }) => {
      for (const [id, { value }] of of.odd)
        await knex(of.table)
          .where({ id })
          .update({ [of.column]: value } as Row);
    });
    const result = await runAudit(scene);
    assertAddsUp(result);
    const touched = (line: VerdictLine) =>
      of.table === 'rounds' ? of.odd.has(line.roundId) : line.matchId?.startsWith('2026-02-16');
    const repairs = result.verdicts.filter((line) => !touched(line) && line.verdict === 'recoverable');
    assert.ok(repairs.length > 0);
    assert.deepEqual([...new Set(repairs.map(({ outcome }) => outcome))], ['done']);
    const check = await verifyLedger(scene.config, { anchors: [], rows: true });
    assert.equal(verifyExitCode(check), 0, JSON.stringify(check.rows));
    const again = await runAudit(scene, { nowMs: longAfterMs + 180_000 });
    const repeated = again.plan.filter(({ outcome }) => !outcome.startsWith('refused'));
    assert.deepEqual(repeated, [], 'the second run repairs nothing');
    // A key that cannot be written as it was read names no row, so its repair is refused whole.
    if (of.column !== 'match_id') assert.deepEqual(again.plan, [], 'and plans nothing');
  });
}

const roundIds = [
  9781, 9783, 9784, 9786, 9788, 9789, 9791, 9793, 9794, 9796, 9819, 9822, 9825, 9856, 9865, 9868,
];
const captureIds = [1, 2, 3, 4, 5, 6, 7, 8];

describe('odd values in an SQLite source do not stop an audit', () => {
  const fitting = (column: string) => oddValues.filter(([, value]) => value !== null || !notNull.has(column));
  for (const column of roundColumns)
    test(`rounds.${column}`, async () => {
      await assertUnimpressed({ table: 'rounds', column, odd: spread(fitting(column), roundIds) });
    });
  for (const column of captureColumns)
    for (const from of [0, 8])
      test(`lua_round_teams.${column} (${from === 0 ? 'first' : 'second'} half)`, async () => {
        const odd = spread(fitting(column).slice(from, from + 8), captureIds);
        await assertUnimpressed({ table: 'lua_round_teams', column, odd });
      });
});
