/** Random numbers, 0 <= x < 1. */
export type Random = () => number;

export const below = (random: Random, most: number) => Math.floor(random() * most);
export const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)]!;

const latin = (text: string) => Buffer.from(text, 'latin1');

/** Puts bytes somewhere, in place of `drop` others. */
function splice(bytes: Buffer, at: number, of: { put: Buffer; drop?: number }): Buffer {
  return Buffer.concat([bytes.subarray(0, at), of.put, bytes.subarray(at + (of.drop ?? 0))]);
}

const anywhere = (bytes: Buffer, random: Random) => below(random, bytes.length + 1);

/** Changes text by text; bytes of every kind go through unharmed. */
const inText = (bytes: Buffer, change: (text: string) => string) => latin(change(bytes.toString('latin1')));

/** One place of a text that fits a pattern, changed; where none fits, the text as it is. */
function onePlace(
  text: string,
  pattern: RegExp,
  of: { random: Random; to: (found: string) => string },
): string {
  const places = [...text.matchAll(pattern)];
  if (places.length === 0) return text;
  const found = pick(of.random, places);
  return text.slice(0, found.index) + of.to(found[0]) + text.slice(found.index + found[0].length);
}

const numbers = [
  '-1',
  '-0',
  '0',
  '1e999',
  '-1e999',
  '1e-400',
  '1.5',
  '0x10',
  '007',
  'NaN',
  'null',
  'true',
  '""',
  '[]',
  '2147483648',
  '4294967296',
  '9007199254740993',
  '99999999999999999999',
  '9'.repeat(400),
];
const pieces = [
  '", "inline": true},\n',
  '},"payload":{',
  '{"meta":',
  '}}',
  '"footer": {"text": "Slomix Lua Webhook v9.9.9"}',
  '"__proto__":{"x":1},',
  '\\"__proto__\\":{\\"x\\":1},',
  '"constructor":1,',
  '\\u0000',
  '\\ud800',
  '\\udfff\\ud800',
  '\0',
  '\r\n',
  '\r',
  '\ufeff',
  '\u2028',
  '"',
  '\\',
  '\\\\"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
];
const odd = [
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xf4, 0x90, 0x80, 0x80]),
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0x80]),
  Buffer.from([0xe2, 0x82]),
  Buffer.from('čšž', 'utf8'),
  Buffer.from('čšž', 'utf16le'),
  latin('\xe8\x9a\x9e'),
  latin('\x1b[31m'),
];

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

/** The ways in which a file is spoiled; the names stand in the figures. */
export const mutations: Readonly<Record<string, Mutation>> = {
  cut: (bytes, random) => bytes.subarray(0, anywhere(bytes, random)),
  'cut at its end': (bytes, random) => bytes.subarray(0, Math.max(0, bytes.length - 1 - below(random, 200))),
  'beginning lost': (bytes, random) => bytes.subarray(anywhere(bytes, random)),
  'middle lost': (bytes, random) => {
    const at = anywhere(bytes, random);
    return splice(bytes, at, { put: Buffer.alloc(0), drop: below(random, 400) });
  },
  'bits flipped': (bytes, random) => {
    const flipped = Buffer.from(bytes);
    for (let times = 1 + below(random, 8); times > 0 && flipped.length > 0; times--)
      flipped[below(random, flipped.length)]! ^= 1 << below(random, 8);
    return flipped;
  },
  'zeroed sector': (bytes, random) => {
    const zeroed = Buffer.from(bytes);
    const at = anywhere(bytes, random);
    return zeroed.fill(0, at, Math.min(zeroed.length, at + 512));
  },
  'odd bytes': (bytes, random) => splice(bytes, anywhere(bytes, random), { put: pick(random, odd) }),
  'odd name': (bytes, random) =>
    inText(bytes, (text) =>
      onePlace(text, /"name\\?":\\?"[^"\\]*/g, {
        random,
        to: (found) => found + pick(random, odd).toString('latin1'),
      }),
    ),
  'meaningful text': (bytes, random) =>
    splice(bytes, anywhere(bytes, random), { put: Buffer.from(pick(random, pieces)) }),
  'another encoding': (bytes, random) =>
    Buffer.from(bytes.toString('utf8'), pick(random, ['latin1', 'utf16le', 'base64'] as const)),
  'byte order mark': (bytes) => Buffer.concat([Buffer.from('\ufeff'), bytes]),
  'line ends': (bytes) => inText(bytes, (text) => text.replaceAll('\n', '\r\n')),
  'another number': (bytes, random) =>
    inText(bytes, (text) => onePlace(text, /-?\d+/g, { random, to: () => pick(random, numbers) })),
  'another value': (bytes, random) =>
    inText(bytes, (text) =>
      onePlace(text, /"value": "[^"\\]*"/g, {
        random,
        to: () => `"value": "${pick(random, numbers).replaceAll('"', '\\"')}"`,
      }),
    ),
  'long text': (bytes, random) =>
    inText(bytes, (text) =>
      onePlace(text, /[a-z]{3,}/g, { random, to: (found) => found.repeat(1 + below(random, 3_000)) }),
    ),
  'deep nesting': (bytes, random) => {
    const [open, shut] = pick(random, [
      ['[', ']'],
      ['{"a":', '}'],
      ['[{"a":', '}]'],
    ] as const);
    const deep = 10 ** (1 + below(random, 5));
    const nested = `${open.repeat(deep)}1${shut.repeat(deep)}`;
    return inText(bytes, (text) =>
      random() < 0.5
        ? text.replace(
            '"Lua_Pauses_JSON", "value": "[',
            () => `"Lua_Pauses_JSON", "value": "[${nested.replaceAll('"', '\\"')}`,
          )
        : text.replace('{"meta":{', () => `{"meta":{"x":${nested},`),
    );
  },
  'a key twice': (bytes, random) =>
    inText(bytes, (text) =>
      onePlace(text, /"[a-z_]+":[^,{}[\]]+,/g, { random, to: (found) => found + found }),
    ),
  'a key twice with another value': (bytes, random) =>
    inText(bytes, (text) =>
      onePlace(text, /"[a-z_]+":\d+,/g, { random, to: (found) => `${found}${found.replace(/\d+/, '7')}` }),
    ),
  'hostile keys': (bytes, random) =>
    inText(bytes, (text) =>
      onePlace(text, /\{(?="|\\")/g, {
        random,
        to: (found) => `${found}"${pick(random, ['__proto__', 'constructor', 'toString', ''])}":{"x":1},`,
      }),
    ),
  'a line twice': (bytes, random) =>
    inText(bytes, (text) => onePlace(text, /[^\n]*\n/g, { random, to: (found) => found + found })),
  'a line lost': (bytes, random) =>
    inText(bytes, (text) => onePlace(text, /[^\n]*\n/g, { random, to: () => '' })),
  'two lines torn into one': (bytes, random) =>
    inText(bytes, (text) => onePlace(text, /\n/g, { random, to: () => '' })),
  'a block again': (bytes, random) => {
    const at = anywhere(bytes, random);
    const block = bytes.subarray(at, at + below(random, 2_000));
    return splice(bytes, at, { put: Buffer.concat(Array<Buffer>(1 + below(random, 20)).fill(block)) });
  },
  'two files in one': (bytes, random, other) =>
    Buffer.concat([bytes.subarray(0, anywhere(bytes, random)), other.subarray(anywhere(other, random))]),
  'one file after the other': (bytes, _, other) => Buffer.concat([bytes, other]),
  'many entries': (bytes, random) => {
    const entry =
      '{"guid":"G","name":"n","spawns":1,"deaths":1,"dead_seconds":1,"avg_respawn":1,"max_respawn":1},';
    const many = Array.from({ length: below(random, 600) }, (_, at) => entry.replace('G', `G${at}`)).join('');
    return inText(bytes, (text) => text.replace('"spawn_stats":[', `"spawn_stats":[${many}`));
  },
  'white space': (bytes, random) =>
    splice(bytes, anywhere(bytes, random), {
      put: Buffer.alloc(below(random, 20_000), pick(random, [' ', '\n', '\t'])),
    }),
  'spelled anew': (bytes, random) => {
    try {
      const value: unknown = JSON.parse(bytes.toString('utf8'));
      return Buffer.from(JSON.stringify(value, null, pick(random, [0, 2])));
    } catch {
      return bytes;
    }
  },
  noise: (_, random) => Buffer.from(Array.from({ length: below(random, 600) }, () => below(random, 256))),
};

const names = Object.keys(mutations);

/** Spoils a file once, twice or three times; also which ways were taken. One of ten stays as it is. */
export function spoil(bytes: Buffer, random: Random, other: Buffer): { bytes: Buffer; ways: string[] } {
  const times = random() < 0.1 ? 0 : random() < 0.7 ? 1 : 2 + below(random, 2);
  const ways = Array.from({ length: times }, () => pick(random, names));
  // A file that was made long is not made long again and again.
  const spoiled = ways.reduce(
    (before, way) => (before.length > 400_000 ? before : mutations[way]!(before, random, other)),
    bytes,
  );
  return { bytes: spoiled, ways };
}
