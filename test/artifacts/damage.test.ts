import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { contentOf, damageOf, edited, everySample, sampleBytes } from './samples.ts';

const normal = '1.7.2/normal';
const mebibyte = 1_048_576;

function change(from: string, to: string): Buffer {
  return edited(normal, from, to);
}

function value(field: string, from: string, to: string): Buffer {
  return change(`"${field}", "value": "${from}"`, `"${field}", "value": "${to}"`);
}

function firstSpawnTwice(from: string, to: string): Buffer {
  const first = /\{"guid":[^}]*\}/.exec(sampleBytes(normal).toString())![0];
  return change(first, `${first},${first.replace(from, to)}`);
}

describe('parseArtifact() calls an artifact damaged and says why', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['no bytes', new Uint8Array(), /^it is empty$/],
    ['blanks', Buffer.from(' \n'), /^it holds nothing but white space$/],
    ['NUL bytes', new Uint8Array(4096), /^it does not begin as an artifact does$/],
    ['other JSON', Buffer.from('[1]'), /^it is JSON, but has no meta and payload$/],
    ['a bare payload', Buffer.from('{"embeds":[]}'), /^it is JSON, but has no meta and payload$/],
    ['a payload without an embed', Buffer.from('{"meta":{},"payload":{}}'), /^its payload has no embed/],
    [
      'its last brace lost',
      sampleBytes('1.6.2/quote').subarray(0, -1),
      /^it is cut off \(no closing braces\)$/,
    ],
    ['its footer lost', edited('1.6.2/quote', '"footer"', '"foot"'), /^it is cut off \(no footer/],
    ['no module version', change('Slomix Lua Webhook v', 'Slomix v'), /^its footer names no module version$/],
    [
      'a version only in a name',
      change('"text": "Slomix', '"text": "'),
      /^its footer names no module version$/,
    ],
    ['a text as playtime', value('Lua_Playtime', '441 sec', 'x'), /^Lua_Playtime is "x", not seconds$/],
    ['a fraction as playtime', value('Lua_Playtime', '441 sec', '441.5 sec'), /not seconds$/],
    ['a limit without unit', value('Lua_Timelimit', '12 min', '12'), /^Lua_Timelimit is "12", not minutes$/],
    ['pauses without seconds', value('Lua_Pauses', '0 (0 sec)', '0'), /^Lua_Pauses is "0", not pauses$/],
    ['round 3', value('Round', '1', '3'), /^Round is "3", not 1 or 2$/],
    ['surrender of team 3', value('Lua_SurrenderTeam', '0', '3'), /^Lua_SurrenderTeam is "3", not 0 to 2$/],
    ['a score beyond int4', value('Lua_AxisScore', '0', '2147483648'), /^Lua_AxisScore is 2147483648, too/],
    ['a start beyond bigint', value('Lua_RoundStart', '1771447904', '9'.repeat(20)), /not a unix time$/],
    ['a start beyond 2^53', value('Lua_RoundStart', '1771447904', '9007199254740993'), /not a unix time$/],
    [
      'a spawn count beyond int4',
      change('"spawns":23', '"spawns":2147483648'),
      /^spawn_stats is wrong at item 1/,
    ],
    ['a spawn count of 1e400', change('"spawns":23', '"spawns":1e400'), /^spawn_stats is wrong at item 1/],
    ['a spawn count of 2.5', change('"spawns":23', '"spawns":2.5'), /^spawn_stats is wrong at item 1/],
    ['a spawn without a name', change('"name":".olz",', ''), /^spawn_stats is wrong at item 1: name/],
    ['no spawn list', change('"spawn_stats"', '"spawns"'), /^spawn_stats is no list$/],
    ['one guid with two deaths', firstSpawnTwice('"deaths":0', '"deaths":1'), /one guid twice/],
    ['one guid with two names', firstSpawnTwice('.olz', 'olz'), /one guid twice/],
    ['meta without a warm-up', change('"warmup_seconds"', '"warmup"'), /^meta is wrong: warmup_seconds/],
    ['pauses that are no list', value('Lua_Pauses_JSON', '[]', '{}'), /^Lua_Pauses_JSON is no list$/],
    ['a pause of 1e300 s', value('Lua_Pauses_JSON', '[]', '[1e300]'), /number that is too large$/],
    ['deeply nested pauses', value('Lua_Pauses_JSON', '[]', '[[[[[[[[[[]]]]]]]]]]'), /nested too deeply$/],
    ['a team that is no JSON', change('\\"name\\":\\"vid', '\\"name\\":vid'), /^Axis_JSON does not parse: /],
    ['a player without a guid', change('\\"guid\\"', '\\"g\\"'), /^Axis_JSON is wrong at item 1: guid/],
    ['a raw control byte from 1.7.2', change('\\".wajs', '\\"\u0001'), /^Allies_JSON does not parse: /],
    ['an empty map', value('Map', 'etl_adlernest', '\\u0000'), /^Map is empty$/],
    ['a long map', value('Map', 'etl_adlernest', 'm'.repeat(65)), /^Map is longer than 64 characters$/],
    [
      'another map in meta',
      change('"map":"etl_adlernest"', '"map":"supply"'),
      /^Map is .*meta says "supply"$/,
    ],
    ['another round in meta', change('"round":1', '"round":2'), /^Round is "1", but meta says "2"$/],
    [
      'another start in meta',
      change('start_unix":1771447904', 'start_unix":1'),
      /^Lua_RoundStart is .* says "1"$/,
    ],
    ['another end in meta', change('end_unix":1771448345', 'end_unix":1'), /^Lua_RoundEnd is .* says "1"$/],
    [
      'another duration in meta',
      change('seconds":441', 'seconds":440'),
      /^Lua_Playtime is "441", but .* "440"$/,
    ],
    ['a field twice', change('{"name": "Winner"', '{"name": "MAP"'), /^the field "MAP" is there twice$/],
    ['a field under two names', change('{"name": "Winner"', '{"name": "Duration"'), /under two names$/],
  ];
  for (const [what, bytes, message] of cases)
    test(what, () => assert.match(damageOf(bytes) ?? 'whole', message));
});

describe('parseArtifact() demands every field that the module writes', () => {
  for (const [, name] of sampleBytes(normal)
    .toString()
    .matchAll(/ *\{"name": "(\w+)".*\n/g)) {
    test(`${name} missing from JSON`, () => {
      const json = JSON.parse(sampleBytes(normal).toString());
      const [embed] = json.payload.embeds;
      embed.fields = embed.fields.filter((field: { name: string }) => field.name !== name);
      assert.equal(damageOf(Buffer.from(JSON.stringify(json))), `it lacks the field ${name}`);
    });
    test(`${name} missing among the lines`, () => {
      const own = sampleBytes('1.6.2/quote').toString('latin1');
      const start = own.indexOf(`{"name": "${name}"`);
      const without = own.slice(0, start) + own.slice(own.indexOf('\n', start) + 1);
      assert.equal(damageOf(Buffer.from(without, 'latin1')), `it lacks the field ${name}`);
    });
  }
});

test('parseArtifact() never puts a control character into its message', () => {
  const odd = '\\"name\\":\u0001\u0000\u001b';
  for (const folder of ['1.6.2/quote', normal])
    assert.doesNotMatch(damageOf(edited(folder, '\\"name\\":\\"vid', odd)) ?? '', /\p{Cc}/u);
});

test('parseArtifact() does not stall on a mebibyte of hostile bytes', () => {
  const fill = (text: string) =>
    Buffer.from(text.repeat(Math.ceil(mebibyte / text.length)).slice(0, mebibyte));
  const salvage = (text: string) =>
    Buffer.concat([
      Buffer.from('{"meta":{},"payload":'),
      fill(text),
      Buffer.from('"footer": {"text": "Slomix Lua Webhook v1.6.2"}\n}]\n}}'),
    ]);
  const nested = '['.repeat(mebibyte / 2) + ']'.repeat(mebibyte / 2);
  const line = '{"name": "a", "value": "", "inline": true}';
  const cases: [string, Uint8Array][] = [
    ['noise', new Uint8Array(mebibyte).map((_, index) => (index * index * 7919) >> 3)],
    ['bytes that are no UTF-8', new Uint8Array(mebibyte).fill(0xff)],
    ['open brackets', fill('[')],
    ['nested lists', Buffer.from(nested)],
    ['lines', fill('\n')],
    ['one long line', salvage(line)],
    ['many lines', salvage(`\n${line}x`)],
    ['values without an end', salvage('\n{"name": "a", "value": "", "inline": true}   x')],
    ['one value without an end', salvage('", "inline": true}      ')],
    ['blanks', salvage(' ')],
    ['a long number', value('Lua_Playtime', '441 sec', `${'4'.repeat(mebibyte)} sec`)],
    ['a long list of fields', change('"fields": [', `"fields": [${'1,'.repeat(mebibyte / 2)}`)],
    ['a long list of players', value('Lua_Pauses_JSON', '[]', `[${'{},'.repeat(mebibyte / 3)}{}]`)],
    ['nested pauses', value('Lua_Pauses_JSON', '[]', nested)],
    [
      'a nested old file',
      edited('1.6.0/normal', '"Lua_Pauses_JSON", "value": "[]"', `"Lua_Pauses_JSON",  "value": "${nested}"`),
    ],
    ['a nested spawn list', change('"spawn_stats":[', `"spawn_stats":[${nested},`)],
  ];
  for (const [what, bytes] of cases) {
    const start = performance.now();
    damageOf(bytes);
    const milliseconds = performance.now() - start;
    // Each takes under half a second on an idle machine; anything quadratic takes minutes.
    assert.ok(milliseconds < 3000, `${what} took ${milliseconds.toFixed(0)} ms`);
  }
});

test('the samples themselves are whole, but for the two that are empty', () => {
  const broken = everySample().filter((folder) => damageOf(sampleBytes(folder)) !== null);
  assert.deepEqual(broken.sort(), ['1.6.2/pausefrac', '1.6.2/pauseint']);
  assert.equal(contentOf(sampleBytes('1.7.2/oddmap')).map, 'te_valhalla b2.1');
});
