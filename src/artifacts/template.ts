import type { Field } from './document.ts';

/*
 * Every artifact that nobody has touched is laid out in the same lines. Such a text needs not be built as JSON from end
 * to end to know what it says: this takes it apart at a fraction of the cost. It is exact: a text that it accepts is JSON,
 * and the general way says the same of it (test/artifacts/template.test.ts); every other text is left to that.
 */

const metaStart = '{"meta":';
/** The fields of an artifact, in the order of the module. */
export const fieldNames = [
  'Map',
  'Round',
  'Winner',
  'Defender',
  'Lua_Playtime',
  'Lua_Timelimit',
  'Lua_Pauses',
  'Lua_EndReason',
  'Lua_Warmup',
  'Lua_WarmupStart',
  'Lua_RoundStart',
  'Lua_RoundEnd',
  'Lua_SurrenderTeam',
  'Lua_SurrenderCaller',
  'Lua_SurrenderCallerName',
  'Lua_AxisScore',
  'Lua_AlliesScore',
  'Axis_JSON',
  'Allies_JSON',
  'Lua_Pauses_JSON',
  'Lua_SpawnSummary',
];
const keys = fieldNames.map((name) => name.toLowerCase());

/** The inside of a JSON string, without escapes and with them. */
const plain = '[^"\\\\\\u0000-\\u001f]*';
const escaped = `${plain}(?:\\\\.${plain})*`;

/** A text that stands there exactly so. */
const literal = (text: string) => text.replace(/[[\]{}\\|^$.*+?()/]/g, '\\$&').replaceAll('\n', '\\n');

/**
 * Everything after meta, in one expression: it is matched ten times as fast as line by line. Its groups are the values of
 * the fields, still escaped, and the text of the footer.
 */
const payload = new RegExp(
  [
    literal('},"payload":{\n        "username": "'),
    plain,
    literal('",\n        "content": "'),
    plain,
    literal('",\n        "embeds": [{\n            "title": "'),
    plain,
    literal('",\n            "description": "'),
    plain,
    literal('",\n            "color": 3447003,\n            "fields": [\n'),
    fieldNames
      .map(
        (name) =>
          `${literal(`                {"name": "${name}", "value": "`)}(${escaped})", "inline": (?:true|false)\\}`,
      )
      .join(',\\n'),
    literal('\n            ],\n            "footer": {"text": "'),
    `(${plain})`,
    literal('"}\n        }]\n    }}'),
    '\\n?$',
  ].join(''),
  'y',
);
const payloadStart = '},"payload":{';

/** From this length on, a part of a string keeps the whole of it in memory (V8). */
const slicedFrom = 13;

/** The value of a JSON string by its inside; of what it was cut from nothing stays in memory. Throws where it is none. */
function decoded(raw: string): string {
  if (raw.length < slicedFrom && !raw.includes('\\')) return raw;
  return JSON.parse(`"${raw}"`) as string;
}

/** The parts of an artifact that is written as the module writes it; null for every other text. */
export function readTemplate(text: string): {
  meta: unknown;
  fields: Map<string, Field>;
  footer: string;
} | null {
  const middle = text.startsWith(metaStart) ? text.indexOf(payloadStart) : -1;
  if (middle < 0) return null;
  payload.lastIndex = middle;
  const found = payload.exec(text);
  if (found === null) return null;
  const metaText = text.slice(metaStart.length, middle + 1);
  if (metaText.includes('\n')) return null;
  try {
    const meta: unknown = JSON.parse(metaText);
    const fields = new Map<string, Field>();
    for (let index = 0; index < keys.length; index++) {
      const raw = found[index + 1]!;
      fields.set(keys[index]!, { value: decoded(raw), raw });
    }
    return { meta, fields, footer: decoded(found[keys.length + 1]!) };
  } catch {
    return null;
  }
}
