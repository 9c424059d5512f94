import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noModuleFacts, readModuleLine, timesLoaded } from '../../src/core/lua-modules.ts';

const read = (...lines: string[]) => lines.reduce(readModuleLine, noModuleFacts);

test('the last list and the last version count', () => {
  const facts = read(
    'setl lua_modules "luascripts/stats_discord_webhook.lua luascripts/stats_discord_webhook.lua"',
    '[stats_discord_webhook] v1.6.0 loaded successfully!',
    'Hitch warning: 500 msec frame time',
    'setl lua_modules "luascripts/team-lock.lua c0rnp0rn8.lua luascripts/stats_discord_webhook.lua"',
    '[stats_discord_webhook] v1.7.2 loaded (game timing)',
  );
  assert.equal(facts.version, '1.7.2');
  assert.deepEqual(facts.modules, [
    'luascripts/team-lock.lua',
    'c0rnp0rn8.lua',
    'luascripts/stats_discord_webhook.lua',
  ]);
});

test('a list is read in every way that the engine prints it', () => {
  const lines = [
    'setl lua_modules "a.lua stats_discord_webhook.lua"',
    '12:00.1 set lua_modules "a.lua stats_discord_webhook.lua"',
    'sets lua_modules "a.lua  stats_discord_webhook.lua"',
    '"lua_modules" is:"a.lua stats_discord_webhook.lua^7" default:"^7"',
  ];
  for (const line of lines)
    assert.deepEqual(read(line).modules, ['a.lua', 'stats_discord_webhook.lua'], line);
  assert.deepEqual(read('setl lua_modules ""').modules, []);
  for (const line of ['say what is lua_modules for', 'setl lua_allowedmodules "x"'])
    assert.equal(read(line).modules, null, line);
});

test('the module is counted by its name, with or without its ending', () => {
  const cases: readonly [string, number][] = [
    ['luascripts/stats_discord_webhook.lua', 1],
    ['luascripts/stats_discord_webhook team-lock.lua', 1],
    ['stats_discord_webhook.lua luascripts/stats_discord_webhook.lua', 2],
    ['luascripts/old_stats_discord_webhook.lua stats_discord_webhook.lua.bak', 0],
    ['', 0],
  ];
  for (const [list, times] of cases) assert.equal(timesLoaded(list.split(' ')), times, list);
});
