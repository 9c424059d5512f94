/** Every step answers with the place after what it read, or with this where it is not sure of it. */
const unsure = -1;

/** Deeper values are left to those who parse. */
const deepest = 64;

const quote = 34;
const comma = 44;
const minus = 45;
const zero = 48;
const nine = 57;
const colon = 58;
const openList = 91;
const backslash = 92;
const closeList = 93;
const smallU = 117;
const openObject = 123;
const closeObject = 125;

/** 1 for each byte that is so. */
const table = (is: (byte: number) => boolean) =>
  Uint8Array.from({ length: 256 }, (_, byte) => (is(byte) ? 1 : 0));

/** Stands for itself in a text, alone or as a part of a character. */
const isPlain = table((byte) => byte >= 32 && byte !== quote && byte !== backslash);

/** Names of ASCII alone: their bytes are in the order of their UTF-16 units. */
const isNamePlain = table((byte) => byte < 128 && isPlain[byte] === 1);

/** What RFC 8785 has after a backslash, besides `u`: it escapes nothing that JSON need not. */
const isEscape = table((byte) => '"\\bfnrt'.includes(String.fromCharCode(byte)));

/** After `u`: the control characters that have no shorter escape. */
const isUnicodeEscape = /^00(?:0[0-7be-f]|1[0-9a-f])$/;

/** What numbers consist of in their canonical spelling. */
const isOfNumber = table((byte) => '0123456789+-.e'.includes(String.fromCharCode(byte)));

/**
 * Whether the bytes from one place to another, well-formed UTF-8, are surely the canonical JSON (RFC 8785) of a value
 * that JSON holds exactly, told in one pass and without building the value. False where that is not sure, which says
 * nothing: it is left to those who parse. Where the value is an object, adds its members to `outline`, three numbers
 * each: where the name begins behind its quote, where the value begins, and where it ends.
 */
export function isSurelyCanonical(
  bytes: Uint8Array,
  { from, to, outline }: { from: number; to: number; outline: number[] },
): boolean {
  // A step reads past what it is sure of only to refuse it, so the end is looked at once, here.
  const isObject = bytes[from] === openObject;
  return (isObject ? scanObject(bytes, from + 1, 0, outline) : scanValue(bytes, from, 0)) === to;
}

function scanValue(bytes: Uint8Array, at: number, depth: number): number {
  const first = bytes[at]!;
  if (first === quote) return scanText(bytes, at + 1);
  if (first === openObject) return scanObject(bytes, at + 1, depth, null);
  if (first === openList) return scanList(bytes, at + 1, depth);
  if (first === minus || (first >= zero && first <= nine)) return scanNumber(bytes, at);
  return scanWord(bytes, at);
}

function scanList(bytes: Uint8Array, from: number, depth: number): number {
  if (bytes[from] === closeList) return from + 1;
  if (depth === deepest) return unsure;
  for (let at = from; ; at++) {
    at = scanValue(bytes, at, depth + 1);
    if (at === unsure || bytes[at] === closeList) return at === unsure ? unsure : at + 1;
    if (bytes[at] !== comma) return unsure;
  }
}

/** Names ascend, so none stands twice. */
function scanObject(bytes: Uint8Array, from: number, depth: number, outline: number[] | null): number {
  if (bytes[from] === closeObject) return from + 1;
  if (depth === deepest) return unsure;
  let before = unsure;
  for (let at = from; ; at++) {
    const name = at + 1;
    const value = bytes[at] === quote ? scanName(bytes, name, before) : unsure;
    if (value === unsure) return unsure;
    before = name;
    at = bytes[value] === quote ? scanText(bytes, value + 1) : scanValue(bytes, value, depth + 1);
    if (at === unsure) return unsure;
    if (outline !== null) outline.push(name, value, at);
    if (bytes[at] === closeObject) return at + 1;
    if (bytes[at] !== comma) return unsure;
  }
}

/** The place of the value after a name, which must come after the name at `before`. A quote ends either. */
function scanName(bytes: Uint8Array, from: number, before: number): number {
  let at = from;
  if (before !== unsure) {
    let other = before;
    for (; bytes[at] === bytes[other] && isNamePlain[bytes[at]!] === 1; at++) other++;
    const isLater = bytes[other] === quote || bytes[other]! < bytes[at]!;
    if (bytes[at] === quote || !isLater) return unsure;
  }
  while (isNamePlain[bytes[at]!] === 1) at++;
  return bytes[at] === quote && bytes[at + 1] === colon ? at + 2 : unsure;
}

function scanText(bytes: Uint8Array, from: number): number {
  for (let at = from; ; ) {
    while (isPlain[bytes[at]!] === 1) at++;
    if (bytes[at] === quote) return at + 1;
    if (bytes[at] !== backslash) return unsure;
    if (isEscape[bytes[at + 1]!] === 1) at += 2;
    else if (bytes[at + 1] === smallU && isUnicodeEscape.test(ascii(bytes, at + 2, at + 6))) at += 6;
    else return unsure;
  }
}

/** Whole numbers of up to 15 digits are exact and have one spelling; others are read, and spelled again. */
function scanNumber(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at]! >= zero && bytes[at]! <= nine) at++;
  const isUsual = at > from && at - from <= 15 && (bytes[from] !== zero || at === from + 1);
  return isUsual && isOfNumber[bytes[at]!] !== 1 ? at : scanOtherNumber(bytes, from);
}

function scanOtherNumber(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isOfNumber[bytes[at]!] === 1) at++;
  const text = ascii(bytes, from, at);
  const value = Number(text);
  const isExact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return isExact && String(value) === text ? at : unsure;
}

const words = ['null', 'true', 'false'].map((word) => Uint8Array.from(Buffer.from(word)));

function scanWord(bytes: Uint8Array, from: number): number {
  for (const word of words) if (standsAt(bytes, from, word)) return from + word.length;
  return unsure;
}

function standsAt(bytes: Uint8Array, from: number, word: Uint8Array): boolean {
  for (let place = 0; place < word.length; place++) if (bytes[from + place] !== word[place]) return false;
  return true;
}

const ascii = (bytes: Uint8Array, from: number, to: number) =>
  String.fromCharCode(...bytes.subarray(from, to));
