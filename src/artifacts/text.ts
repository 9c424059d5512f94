import { isUtf8 } from 'node:buffer';

/** Windows-1252 from 0x80 to 0x9F (WHATWG Encoding, index windows-1252); its other bytes are Latin-1. */
const windows1252 =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
  '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';

function fromWindows1252(byte: number): string {
  return byte < 0xa0 ? windows1252.charAt(byte - 0x80) : String.fromCharCode(byte);
}

/** Length of the well-formed UTF-8 sequence at `at`, or 0 (Unicode, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1] ?? 0;
  if (second < lowest || second > highest) return 0;
  for (let next = at + 2; next < at + length; next++) {
    if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

/** Re-writes what is not UTF-8, and decodes all of it at once: piece by piece would take seconds for a megabyte. */
function mixedToUtf8(bytes: Uint8Array): Buffer {
  const utf8 = Buffer.alloc(3 * bytes.length);
  let written = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    for (let next = at; next < at + length; next++) utf8[written++] = bytes[next]!;
    if (length === 0) written += utf8.write(fromWindows1252(bytes[at]!), written);
    at += Math.max(1, length);
  }
  return utf8.subarray(0, written);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A byte order mark at the beginning of bytes. */
const hasMark = (bytes: Uint8Array) => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;

/**
 * The bytes in UTF-8: as they are, and only those that are not UTF-8 as Windows-1252 (DOMAIN, section 3). `strict` says
 * that all of it was UTF-8. A byte order mark is dropped. What was UTF-8 is not copied.
 */
export function toUtf8(bytes: Uint8Array): { utf8: Buffer; strict: boolean } {
  const strict = isUtf8(bytes);
  const utf8 = strict ? asBuffer(bytes) : mixedToUtf8(bytes);
  return { utf8: hasMark(utf8) ? utf8.subarray(3) : utf8, strict };
}

/** The bytes as text, read as `toUtf8` reads them. */
export function decodeText(bytes: Uint8Array): { text: string; strict: boolean } {
  const { utf8, strict } = toUtf8(bytes);
  return { text: utf8.toString('utf8'), strict };
}

/** A NUL character, or half a pair that may lack its other half. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
const odd = /[\u0000\ud800-\udfff]/;

/** Text that PostgreSQL takes: without NUL characters, well-formed (DOMAIN, section 3). */
export function cleanText(text: string): string {
  return !odd.test(text) ? text : text.replaceAll('\0', '').toWellFormed();
}

/** The first `length` characters, counted as PostgreSQL counts them: whole code points. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  return Array.from(text.slice(0, 2 * length))
    .slice(0, length)
    .join('');
}

/** Raw control bytes as JSON escapes, for a text that has none between its tokens. */
export function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
