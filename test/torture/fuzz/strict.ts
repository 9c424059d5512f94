import assert from 'node:assert/strict';
import type { ArtifactContent } from '../../../src/core/model.ts';

/** The values of an artifact that is JSON in UTF-8, found as anybody would find them. Null where it is none. */
interface Strict {
  meta: Record<string, unknown>;
  fields: ReadonlyMap<string, string>;
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

interface Outer {
  meta?: Record<string, unknown>;
  payload?: unknown;
}
type Payload = { embeds: { fields: { name: string; value: string }[] }[] };

function strictly(bytes: Buffer): Strict | null {
  const outer = asJson(bytes.toString('utf8').replace(/^\ufeff/, '')) as Outer | null;
  if (!Buffer.from(bytes.toString('utf8')).equals(bytes) || outer?.meta === undefined) return null;
  const { meta, payload } = outer;
  const message = (typeof payload === 'string' ? asJson(payload) : payload) as Payload | null;
  if (message === null) return null;
  return { meta, fields: new Map(message.embeds[0]!.fields.map(({ name, value }) => [name, value])) };
}

/** What PostgreSQL would be given of a text. */
const clean = (text: string) => text.replaceAll('\0', '').toWellFormed();
const short = (text: string, most: number) => [...clean(text)].slice(0, most).join('');

/** What the module's field says, under its name or an older one of it; without one, nothing can agree. */
function saysOf({ fields }: Strict) {
  const byName = new Map([...fields].map(([name, value]) => [name.toLowerCase(), value]));
  return (...names: string[]) =>
    clean(names.flatMap((name) => byName.get(name.toLowerCase()) ?? []).join(' and '));
}

function assertSpawns(content: ArtifactContent, meta: Strict['meta']): void {
  const listed = meta.spawn_stats;
  const spawns = (typeof listed === 'string' ? asJson(listed) : listed) as Record<string, never>[];
  const expected = new Map(
    spawns.map(({ guid, name, spawns: spawnCount, deaths, dead_seconds, avg_respawn, max_respawn }) => [
      short(guid!, 32),
      [short(name!, 64), spawnCount, deaths, dead_seconds, avg_respawn, max_respawn],
    ]),
  );
  const found = content.spawns.map((one) => [
    one.guid,
    [one.name, one.spawnCount, one.deathCount, one.deadSeconds, one.avgRespawnSeconds, one.maxRespawnSeconds],
  ]);
  assert.deepEqual(found, [...expected]);
}

/**
 * Asserts that what was read of a whole artifact is what it says as strict JSON. False where it is no JSON: then
 * there is nothing to compare, but the braces at its end.
 */
export function assertSameAsStrict(content: ArtifactContent, bytes: Buffer): boolean {
  const strict = strictly(bytes);
  const { timing } = content;
  if (strict === null) {
    const text = bytes.toString('latin1').replace(/^\xef\xbb\xbf/, '');
    // JSON in another encoding is whole by itself, and says its names in a way of its own.
    if (asJson(text) !== null) return false;
    assert.match(text.trimEnd().slice(-2_000), /"footer": \{"text": "[^"]*"\}\s*\}\]\s*\}\s*"?\}$/);
    for (const said of [timing.startUnix, timing.endUnix])
      assert.match(text, new RegExp(`"value":\\s*"${said}"`));
    return false;
  }
  const { meta } = strict;
  const says = saysOf(strict);
  assert.deepEqual(
    {
      map: [says('Map'), clean(meta.map as string)],
      number: says('Round') === '0' ? '2' : says('Round'),
      startUnix: [Number(says('Lua_RoundStart', 'Start Unix')), meta.round_start_unix],
      endUnix: [Number(says('Lua_RoundEnd', 'End Unix')), meta.round_end_unix],
      duration: [says('Lua_Playtime', 'Duration'), meta.actual_duration_seconds],
      warmup: Number(/^-?\d+/.exec(says('Lua_Warmup'))?.[0]) + 0,
      scores: [Number(says('Lua_AxisScore')) + 0, Number(says('Lua_AlliesScore')) + 0],
      caller: short(says('Lua_SurrenderCallerName'), 64),
    },
    {
      map: [content.map, content.map],
      number: String(content.number),
      startUnix: [timing.startUnix, timing.startUnix],
      endUnix: [timing.endUnix, timing.endUnix],
      duration: [says('Lua_Playtime', 'Duration'), timing.durationSeconds],
      warmup: content.warmupSeconds,
      scores: [content.axisScore, content.alliesScore],
      caller: content.surrenderCallerName,
    },
  );
  assert.equal(Number.parseInt(says('Lua_Playtime', 'Duration'), 10), timing.durationSeconds);
  assertSpawns(content, meta);
  return true;
}
