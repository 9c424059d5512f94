import { z } from 'zod';
import { Damage, parseJson, quoted, tryJson } from './damage.ts';
import { escapeControls } from './text.ts';

/** A field of the embed. At least one of the two is known. */
export interface Field {
  /** Its value, decoded once; null where the file is no JSON. */
  value: string | null;
  /** Its value as it stands in a line of its own, still escaped; null where it has none. */
  raw: string | null;
}

/** An artifact taken apart, nothing in it judged yet. */
export interface Document {
  version: string;
  /** Written before 1.6.4, which was the first to escape JSON correctly. */
  legacy: boolean;
  meta: unknown;
  /** By name in lower case. */
  fields: Map<string, Field>;
  /** True where it had to be read by lines, being no JSON. */
  salvaged: boolean;
}

/** A message as the module sends it; an artifact holds one beside its meta. */
export type Payload = Omit<Document, 'meta'>;

const wholeSchema = z.object({ meta: z.unknown(), payload: z.unknown() });
/** Discord takes 25 fields at most; the bound comes first, so that a hostile list costs nothing. */
const fieldsSchema = z
  .array(z.unknown())
  .max(25)
  .pipe(z.array(z.object({ name: z.string(), value: z.string() })));
const embedSchema = z.object({ fields: fieldsSchema, footer: z.object({ text: z.string() }) });
const payloadSchema = z.object({ embeds: z.tuple([embedSchema]).rest(z.unknown()) });

const fieldLine = /^\s*\{"name": "([^"\\]+)", "value": "(.*)", "inline": (?:true|false)\},?\s*$/s;
const closing = /"footer": \{"text": "([^"]*)"\}\s*\}\]\s*\}$/;
const metaStart = '{"meta":';
const payloadStart = '},"payload":';

/** The version of the module in the footer, and whether it is an older one. Throws Damage. */
export function readVersion(footer: string): { version: string; legacy: boolean } {
  const found = /Slomix Lua Webhook v((\d{1,5})\.(\d{1,5})\.(\d{1,5})(?:[-+][0-9A-Za-z.+-]*)?)/.exec(footer);
  if (!found) throw new Damage('its footer names no module version');
  const [major, minor, patch] = found.slice(2).map(Number) as [number, number, number];
  const legacy = major < 1 || (major === 1 && (minor < 6 || (minor === 6 && patch < 4)));
  return { version: found[1]!, legacy };
}

function addField(fields: Map<string, Field>, name: string, field: Field): void {
  const key = name.toLowerCase();
  if (fields.has(key)) throw new Damage(`the field ${quoted(name)} is there twice`);
  fields.set(key, field);
}

/** The fields that stand in lines of their own, up to the last `", "inline": ` of each line. */
export function fieldsByLine(payloadText: string): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const line of payloadText.split('\n')) {
    const found = fieldLine.exec(line);
    if (found) addField(fields, found[1]!, { value: null, raw: found[2]! });
  }
  return fields;
}

/** A payload that is JSON; `text` is where its lines are, if it has any. */
function parsedPayload(payload: unknown, text: string): Payload {
  const checked = payloadSchema.safeParse(payload);
  if (!checked.success) throw new Damage('its payload has no embed with fields and a footer');
  const [embed] = checked.data.embeds;
  const lines = fieldsByLine(text);
  const fields = new Map<string, Field>();
  for (const { name, value } of embed.fields) {
    const raw = lines.get(name.toLowerCase())?.raw ?? null;
    // A line counts only if it is this field's: it must say the same.
    addField(fields, name, { value, raw: raw !== null && tryJson(`"${raw}"`) === value ? raw : null });
  }
  return { ...readVersion(embed.footer.text), fields, salvaged: false };
}

function salvagedPayload(text: string): Payload {
  const footer = closing.exec(text.slice(-512));
  if (!footer) throw new Damage('it is cut off (no footer before the closing braces)');
  return { ...readVersion(footer[1]!), fields: fieldsByLine(text), salvaged: true };
}

function salvagedDocument(text: string): Document {
  if (!text.startsWith(metaStart)) throw new Damage('it does not begin as an artifact does');
  const middle = text.indexOf(payloadStart);
  const end = text.trimEnd();
  if (middle < 0 || !end.endsWith('}}')) throw new Damage('it is cut off (no closing braces)');
  const payload = salvagedPayload(end.slice(middle + payloadStart.length, -1));
  const meta = text.slice(metaStart.length, middle + 1);
  return { ...payload, meta: parseJson('meta', payload.legacy ? escapeControls(meta) : meta) };
}

function assertNotBlank(text: string): void {
  if (text.trim() === '') throw new Damage(text === '' ? 'it is empty' : 'it holds nothing but white space');
}

/** Takes a bare message's text apart, as JSON or by its lines. Throws Damage, as `readDocument` does. */
export function readPayload(text: string): Payload {
  assertNotBlank(text);
  const json = tryJson(text);
  return json === undefined ? salvagedPayload(text.trimEnd()) : parsedPayload(json, text);
}

/**
 * Takes an artifact's text apart: as JSON, and where that fails by its lines (DOMAIN, section 3, the
 * salvage recipe). Throws Damage where the closing braces, the payload or the module version are missing.
 */
export function readDocument(text: string): Document {
  assertNotBlank(text);
  const json = tryJson(text);
  if (json === undefined) return salvagedDocument(text);
  const whole = wholeSchema.safeParse(json);
  if (!whole.success) throw new Damage('it is JSON, but has no meta and payload');
  const { meta, payload } = whole.data;
  if (typeof payload !== 'string') return { ...parsedPayload(payload, text), meta };
  const inner = tryJson(payload);
  return {
    ...(inner === undefined ? salvagedPayload(payload.trimEnd()) : parsedPayload(inner, payload)),
    meta,
  };
}
