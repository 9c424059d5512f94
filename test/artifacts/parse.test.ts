import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseArtifact } from '../../src/artifacts/parse.ts';
import { contentOf, damageOf, edited, everySample, sampleBytes } from './samples.ts';

const guid = (digit: number) => `0000000000000000000000E587CA5F0${digit}`;
const wajs = guid(1);

/** What the player with guid ...01 is called in each case, and the Axis captain in `surr`. */
const names: Record<string, string> = {
  quote: 'wa"js',
  backslash: 'wa\\js',
  ctrl: 'wa\u0001js\u001b',
  utf8: 'wašÿjs',
};

function expectedTeams(version: string, name: string) {
  const small = { axis: [{ guid: guid(0), name: 'p0' }], allies: [{ guid: guid(1), name: 'p1' }] };
  if (/doublefire|ghost7|pause|reload|restart/.test(name)) return small;
  const captain = name === 'surr' ? 'Super"Boyy' : 'SuperBoyy';
  return {
    axis: [
      { guid: guid(0), name: 'vid' },
      { guid: guid(2), name: captain },
      { guid: guid(4), name: version < '1.6.4' ? '^o.olz' : '.olz' },
    ],
    allies: [
      { guid: wajs, name: names[name] ?? '.wajs' },
      { guid: guid(3), name: 'bronze.' },
      { guid: guid(5), name: 'squazetest2026' },
    ],
  };
}

function expectedSpawnNames(version: string, name: string): Record<string, string> {
  const { allies } = expectedTeams(version, name);
  if (allies.length === 1) return {};
  const first = { [wajs]: names[name] ?? '.wajs' };
  if (version === '1.6.4') return first;
  const others = {
    [guid(0)]: 'vid',
    [guid(2)]: 'SuperBoyy',
    [guid(3)]: 'bronze.',
    [guid(4)]: '.olz',
    [guid(5)]: 'squazetest2026',
  };
  return { ...first, ...others };
}

describe('parseArtifact() gives back every name of every sample', () => {
  for (const folder of everySample()) {
    const [version, name] = folder.split('/') as [string, string];
    if (sampleBytes(folder).length === 0) continue;
    test(folder, () => {
      const content = contentOf(sampleBytes(folder));
      const { axis, allies } = expectedTeams(version, name);
      assert.deepEqual(content.axisPlayers, axis);
      assert.deepEqual(content.alliesPlayers, allies);
      const spawnNames = Object.fromEntries(content.spawns.map((spawn) => [spawn.guid, spawn.name]));
      assert.deepEqual(spawnNames, expectedSpawnNames(version, name));
      assert.equal(content.surrenderCallerName, name === 'surr' ? 'Super"Boyy' : '');
      assert.equal(content.surrenderCallerGuid, name === 'surr' ? guid(2) : '');
      assert.equal(content.surrenderTeam, name === 'surr' ? 1 : 0);
      assert.equal(content.luaVersion, version);
    });
  }
});

test('parseArtifact() reads every value of a normal artifact', () => {
  const content = contentOf(sampleBytes('1.6.2/normal'));
  const spawn = content.spawns.find((one) => one.guid === wajs);
  assert.deepEqual(
    { ...content, spawns: spawn, axisPlayers: content.axisPlayers.length, alliesPlayers: null },
    {
      map: 'etl_adlernest',
      number: 1,
      timing: {
        startUnix: 1771447904,
        endUnix: 1771448345,
        durationSeconds: 441,
        endReason: 'OBJECTIVE',
        pauseSeconds: 0,
        pauseCount: 1,
      },
      winnerTeam: 2,
      defenderTeam: 1,
      timeLimitMinutes: 12,
      warmupSeconds: 31,
      warmupStartUnix: 1771447873,
      surrenderTeam: 0,
      surrenderCallerGuid: '',
      surrenderCallerName: '',
      axisScore: 0,
      alliesScore: 1,
      luaVersion: '1.6.2',
      axisPlayers: 3,
      alliesPlayers: null,
      pauseEvents: [],
      spawns: {
        guid: wajs,
        name: '.wajs',
        spawnCount: 23,
        deathCount: 12,
        deadSeconds: 99,
        avgRespawnSeconds: 8,
        maxRespawnSeconds: 9,
      },
    },
  );
});

test('parseArtifact() keeps pause events as they stand there', () => {
  const { pauseEvents, timing } = contentOf(sampleBytes('1.6.0/pauseint'));
  assert.equal(pauseEvents.length, 40);
  assert.deepEqual(pauseEvents[0], { n: 1, start: 1771447956, end: 1771447956, sec: 12 });
  assert.deepEqual([timing.pauseCount, timing.pauseSeconds, timing.durationSeconds], [1, 521, 0]);
});

describe('parseArtifact() says whether it had to salvage', () => {
  const salvaged = ['1.6.0/quote', '1.6.0/ctrl', '1.6.2/surr', '1.6.2/utf8', '1.7.2/utf8'];
  const plain = ['1.6.0/normal', '1.6.0/backslash', '1.6.4/quote', '1.7.2/ctrl', '1.7.2/surr'];
  for (const [folders, expected] of [
    [salvaged, true],
    [plain, false],
  ] as const) {
    for (const folder of folders)
      test(`${folder}: ${expected}`, () => {
        const parsed = parseArtifact(sampleBytes(folder));
        assert.equal('content' in parsed && parsed.salvaged, expected);
      });
  }
});

test('parseArtifact() shows nothing of an artifact that is cut off, wherever the cut is', () => {
  for (const folder of ['1.6.2/quote', '1.6.2/utf8', '1.7.2/normal']) {
    const bytes = sampleBytes(folder);
    for (let length = 0; length < bytes.length; length++)
      assert.equal(typeof damageOf(bytes.subarray(0, length)), 'string', `${folder}, ${length} bytes`);
  }
});

test('parseArtifact() reads a name that only Windows-1252 explains, and leaves the UTF-8 beside it alone', () => {
  const both = edited('1.7.2/normal', '\\"name\\":\\".wajs\\"', '\\"name\\":\\"K\xe4se \x80 \xc5\xa1\\"');
  assert.equal(contentOf(both).alliesPlayers[0]!.name, 'Käse € š');
});

test('parseArtifact() tolerates a byte order mark, white space at the end and carriage returns', () => {
  for (const folder of ['1.6.2/quote', '1.6.2/utf8', '1.7.2/normal']) {
    const expected = contentOf(sampleBytes(folder));
    const mark = Buffer.from([0xef, 0xbb, 0xbf]);
    assert.deepEqual(contentOf(Buffer.concat([mark, sampleBytes(folder), Buffer.from(' \n')])), expected);
    const returns = Buffer.from(sampleBytes(folder).toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
    assert.deepEqual(contentOf(returns), expected);
  }
});

describe('parseArtifact() before 1.6.4 undoes exactly what the module did to a name', () => {
  for (const name of ['a\\nb', 'a\\', '\\"', '"\\"', 'a\u0000b\tc', '", "inline": true},', '},"payload":{'])
    test(JSON.stringify(name), () => {
      // The module: backslash and quote escaped once, then every quote once more in the embed.
      const escaped = name.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
      const text = sampleBytes('1.6.2/normal').toString('latin1');
      const artifact = text
        .replace('\\"name\\":\\".wajs\\"', () => `\\"name\\":\\"${escaped.replaceAll('"', '\\"')}\\"`)
        .replace('"name":".wajs"', () => `"name":"${escaped}"`);
      const content = contentOf(Buffer.from(artifact, 'latin1'));
      const expected = name.replaceAll('\0', '');
      assert.equal(content.alliesPlayers[0]!.name, expected);
      assert.equal(content.spawns.find((spawn) => spawn.guid === wajs)!.name, expected);
    });
});

describe('parseArtifact() reads other layouts', () => {
  const whole = (folder: string) => JSON.parse(sampleBytes(folder).toString());
  const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value, null, 1));

  test('an old file that was written anew as JSON', () => {
    assert.deepEqual(contentOf(bytesOf(whole('1.6.2/normal'))), contentOf(sampleBytes('1.6.2/normal')));
  });

  test('and its backslash, where only one reading is possible', () => {
    assert.equal(contentOf(bytesOf(whole('1.6.0/backslash'))).alliesPlayers[0]!.name, 'wa\\js');
  });

  test('but takes neither reading where two are', () => {
    const two = edited('1.6.0/backslash', '\\"name\\":\\"wa\\\\js', '\\"name\\":\\"wa\\\\ns');
    assert.equal(contentOf(two).alliesPlayers[0]!.name, 'wa\\ns');
    const damage = damageOf(bytesOf(JSON.parse(two.toString())));
    assert.equal(damage, 'Allies_JSON has a backslash that can be read in two ways');
  });

  test('payload and spawn list as JSON text', () => {
    for (const folder of ['1.6.0/backslash', '1.7.2/quote']) {
      const text = sampleBytes(folder).toString();
      const { meta } = whole(folder);
      meta.spawn_stats = JSON.stringify(meta.spawn_stats);
      const payload = text.slice(text.indexOf('"payload":') + '"payload":'.length, -1);
      assert.deepEqual(contentOf(bytesOf({ meta, payload })), contentOf(sampleBytes(folder)));
    }
  });

  test('a payload text that is itself no JSON', () => {
    const text = sampleBytes('1.6.2/quote').toString();
    const [start, payload] = text.split(',"payload":') as [string, string];
    const { meta } = JSON.parse(`${start}}`);
    const artifact = bytesOf({ meta, payload: payload.slice(0, -1) });
    assert.deepEqual(contentOf(artifact), contentOf(sampleBytes('1.6.2/quote')));
  });

  test('field names in any case, and the older ones', () => {
    const older = sampleBytes('1.6.0/normal')
      .toString()
      .replace('"Lua_Playtime"', '"DURATION"')
      .replace('"Lua_Timelimit"', '"Time Limit"')
      .replace('"Lua_Pauses"', '"Pauses"')
      .replace('"Lua_EndReason"', '"End Reason"')
      .replace('"Lua_RoundStart"', '"Start Unix"')
      .replace('"Lua_RoundEnd"', '"End Unix"')
      .replace('"Axis_JSON"', '"axis_json"');
    assert.deepEqual(contentOf(Buffer.from(older)), contentOf(sampleBytes('1.6.0/normal')));
  });
});

describe('parseArtifact() maps values as the pipeline does', () => {
  const limits = { '12 min': 12, '7.375 min': 7, '7.5 min': 8, '12.0 min': 12, '0 min': 0 };
  for (const [text, minutes] of Object.entries(limits))
    test(`time limit ${text}`, () =>
      assert.equal(contentOf(edited('1.7.2/normal', '12 min', text)).timeLimitMinutes, minutes));

  const reasons = {
    OBJECTIVE: 'objective',
    SURRENDER: 'Forfeit',
    MAP_CHANGE: 'map change',
    MAP_RESTART: 'map_restart',
    SERVER_RESTART: 'serverrestart',
    NORMAL: 'time_expired',
  };
  for (const [expected, text] of Object.entries(reasons))
    test(`end reason ${text}`, () => {
      const artifact = edited('1.7.2/normal', '"value": "objective"', `"value": "${text}"`);
      assert.equal(contentOf(artifact).timing.endReason, expected);
    });
  for (const text of ['', 'unknown', 'normal', 'timelimit', 'time limit', 'constructor', 'earthquake'])
    test(`end reason "${text}" is NORMAL`, () => {
      const artifact = edited('1.7.2/normal', '"value": "objective"', `"value": "${text}"`);
      assert.equal(contentOf(artifact).timing.endReason, 'NORMAL');
    });

  const teams = { '0': 0, '1': 1, '2': 2, Axis: 1, ALLIES: 2, '3': 0, '': 0, nobody: 0 };
  for (const [text, team] of Object.entries(teams))
    test(`winner "${text}"`, () => {
      const artifact = edited('1.7.2/normal', '"Winner", "value": "2"', `"Winner", "value": "${text}"`);
      assert.equal(contentOf(artifact).winnerTeam, team);
    });

  test('round 0 is round 2, in meta as in the payload', () => {
    for (const [meta, payload] of [
      ['0', '0'],
      ['2', '0'],
      ['0', '2'],
    ] as const) {
      const text = edited('1.7.2/normal', '"round":1', `"round":${meta}`).toString();
      const round = text.replace('"Round", "value": "1"', `"Round", "value": "${payload}"`);
      assert.equal(contentOf(Buffer.from(round)).number, 2);
    }
  });

  test('guids, names and versions are cut by characters, and made fit for the database', () => {
    const odd = `${'\u{1f3ae}'.repeat(65)}`;
    const text = sampleBytes('1.7.2/normal')
      .toString()
      .replace(`\\"guid\\":\\"${wajs}`, () => `\\"guid\\":\\"${wajs}FF`)
      .replace('\\"name\\":\\".wajs\\"', () => `\\"name\\":\\"${odd}\\"`)
      .replace('\\"name\\":\\"vid\\"', () => '\\"name\\":\\"v\\\\u0000i\\\\ud83dd\\"')
      .replace('"SurrenderCaller"', '')
      .replace('v1.7.2', 'v1.7.2-a.very.long.name');
    const content = contentOf(Buffer.from(text));
    assert.deepEqual(content.alliesPlayers[0], { guid: wajs, name: '\u{1f3ae}'.repeat(64) });
    assert.equal(content.axisPlayers[0]!.name, 'vi\ufffdd');
    assert.equal(content.luaVersion, '1.7.2-a.very.lon');
  });

  test('NUL characters go, in pause events and in plain fields too', () => {
    const pauses = '[{\\"n\\":1,\\"a\\\\u0000b\\":\\"c\\\\u0000d\\"}]';
    const text = edited('1.7.2/normal', '"value": "[]"', `"value": "${pauses}"`)
      .toString()
      .replaceAll('"etl_adlernest"', '"etl_\\u0000adlernest"');
    const content = contentOf(Buffer.from(text));
    assert.deepEqual(content.pauseEvents, [{ n: 1, ab: 'cd' }]);
    assert.equal(content.map, 'etl_adlernest');
  });

  test('a guid that stands twice in the spawn list with the same values counts once', () => {
    const text = sampleBytes('1.7.2/normal').toString();
    const first = /\{"guid":[^}]*\}/.exec(text)![0];
    assert.equal(contentOf(Buffer.from(text.replace(first, `${first},${first}`))).spawns.length, 6);
  });
});
