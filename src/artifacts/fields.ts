import { Damage, parseJson, tryJson } from './damage.ts';
import type { Field, Payload } from './document.ts';
import { escapeControls } from './text.ts';

/** Names of older modules that are still accepted (DOMAIN, section 3). */
const olderNames = new Map([
  ['Lua_Playtime', 'duration'],
  ['Lua_Timelimit', 'time limit'],
  ['Lua_Pauses', 'pauses'],
  ['Lua_EndReason', 'end reason'],
  ['Lua_RoundStart', 'start unix'],
  ['Lua_RoundEnd', 'end unix'],
]);

function findField(document: Payload, label: string): Field {
  const own = document.fields.get(label.toLowerCase());
  const olderName = olderNames.get(label);
  const older = olderName === undefined ? undefined : document.fields.get(olderName);
  if (own && older) throw new Damage(`${label} is there twice, under two names`);
  const field = own ?? older;
  if (!field) throw new Damage(`it lacks the field ${label}`);
  return field;
}

/** A field's value as text; throws Damage where the field is missing or no JSON text. */
export function readText(document: Payload, label: string): string {
  const { value, raw } = findField(document, label);
  if (value !== null) return value;
  const line = `"${raw}"`;
  return parseJson(label, document.legacy ? escapeControls(line) : line) as string;
}

/**
 * The inner JSON of a file from before 1.6.4 that was re-written as JSON since: whoever did that undid one
 * level of escapes, so a backslash has two readings. Where both are possible, neither is taken.
 */
function parseRewritten(label: string, text: string): unknown {
  if (!text.includes('\\')) return parseJson(label, text);
  const literal = tryJson(escapeControls(text.replaceAll('\\', '\\\\')));
  if (literal === undefined) return parseJson(label, text);
  if (tryJson(text) !== undefined) throw new Damage(`${label} has a backslash that can be read in two ways`);
  return literal;
}

/**
 * The JSON inside a field. Before 1.6.4 only its quotes were escaped a second time, so it is taken from the
 * field's own line even where the file is JSON (DOMAIN, section 3). Throws Damage.
 */
export function readInner(document: Payload, label: string): unknown {
  if (!document.legacy) return parseJson(label, readText(document, label));
  const { value, raw } = findField(document, label);
  if (raw !== null) return parseJson(label, escapeControls(raw.replaceAll('\\"', '"')));
  return parseRewritten(label, value!);
}
