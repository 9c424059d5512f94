import { below, pick, type Random } from './mutate.ts';

/** What must never be stored: planted in lines, and looked for afterwards. */
export const planted = 'pl4nt3d-s3cr3t';

type Spoil = (line: string, random: Random, other: string) => string;

const clocks = [
  '2026-02-30 25:61:61',
  '0000-00-00 00:00:00',
  '9999-12-31 23:59:59',
  '2026-03-29 02:30:00',
  '2026-03-29 01:59:59',
  '2026-10-25 02:30:00',
  '2026-10-25 02:59:59',
  '1969-12-31 23:59:59',
  '2026-02-11  1:02:03',
  '20260211 10:00:00',
  '2024-02-29 12:00:00',
  '2026-13-01 12:00:00',
];
const baits = [
  'lua_modules',
  'lua_modules "',
  'R1 ',
  ' R1',
  'x://',
  '://:',
  'token',
  'token="',
  'authorization: ',
  'bearer ',
  'gametime-',
  '.json',
  'discord.com/',
  'a.',
  '\\/',
  'stats_discord_webhook.lu',
  ') ',
  ' (',
  '^1',
  '[',
  '- ',
  'R2   ',
];
const secrets = [
  ` token=${planted}`,
  ` password: "${planted} x"`,
  ` https://me:${planted}@host/x`,
  ` Authorization: Bearer ${planted}`,
  ` https://discord.com/api/webhooks/1/${planted}`,
  ` smtp://u:a@b:${planted}@h`,
  ` api_key='${planted}'`,
];
const odd = [
  '\xff\xfe',
  '\xed\xa0\x80',
  '\xc0\x80',
  '\0',
  '\r',
  '\x1b[2J',
  '\xe2\x80\xa8',
  '\xe2\x80\xae',
  '\x85',
  '\t',
  '\xef\xbb\xbf',
];

const somewhere = (line: string, random: Random, put: string) => {
  const at = below(random, line.length + 1);
  return line.slice(0, at) + put + line.slice(at);
};

/** The ways in which a line is spoiled. Lines are text of one character for a byte. */
const spoils: readonly Spoil[] = [
  (line, random) => line.slice(0, below(random, line.length)),
  (line, random) => line.slice(below(random, line.length)),
  (line, random, other) => line.slice(0, below(random, line.length)) + other,
  (line, random, other) => line + other.slice(below(random, other.length)),
  (line, random) => somewhere(line, random, pick(random, odd)),
  (line, random) => `\x1b[31m${line}\x1b[0m${pick(random, odd)}`,
  (line, random) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, () => pick(random, clocks)),
  (line, random) =>
    line.replace(/\d+/, () => pick(random, ['-1', '0', '9'.repeat(13), '9'.repeat(400), '1e99'])),
  (line, random) => somewhere(line, random, pick(random, baits).repeat(1 + below(random, 900))),
  (line, random) => somewhere(line, random, ' '.repeat(below(random, 5_000))),
  (line, random) => line + 'x'.repeat(below(random, 20_000)),
  (line) => `${line}\r`,
  (line) => `^3${line}`,
  (line, random) => `say: ${pick(random, ['vid', '^1a'])}: ${line}`,
  (line, random) =>
    line.replace(/[a-z_0-9]{4,}/, () => pick(random, ['__proto__', '😀', '', '\0', '..', 'a'.repeat(4_200)])),
  () => '',
];

/** The next line of a log: a real one, or a spoiled one. */
export function makeLine(samples: readonly string[], random: Random): string {
  let line = pick(random, samples);
  if (random() < 0.02) return line + pick(random, secrets);
  if (random() < 0.35) return line;
  for (let times = 1 + below(random, 2); times > 0; times--)
    line = pick(random, spoils)(line, random, pick(random, samples));
  return line.replaceAll('\n', ' ');
}
