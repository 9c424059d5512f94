import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomOf } from '../test/random.ts';

const maps = ['etl_adlernest', 'supply', 'braundorf_b4', 'te_escape2', 'etl_sp_delivery', 'sw_goldrush_te'];
const nicks = [
  'vid',
  'SuperBoyy',
  '.olz',
  'bronze.',
  'squaze',
  'Čebelica',
  '^1wa^7js',
  'endekk',
  'lgz',
  'qmr',
];

/** The first round of a season without end: one each 20 minutes. */
const firstEnd = 1_771_448_345;

/** The round that an artifact is of; unix seconds. */
export interface ArtifactRound {
  map: string;
  number: number;
  startUnix: number;
  endUnix: number;
}

const roundSeconds = 441;

/** Round `index` of that season. */
export function roundOf(index: number): ArtifactRound {
  const endUnix = firstEnd + 1200 * index;
  const map = maps[(index >> 1) % maps.length]!;
  return { map, number: 1 + (index % 2), startUnix: endUnix - roundSeconds, endUnix };
}

/** The name of a round's artifact. */
export const artifactName = ({ map, number, endUnix }: ArtifactRound) =>
  `gametime-${map}-R${number}-${endUnix}.json`;

/** How a file is written: most as modules write since 1.6.4, some as those before, which did not always write JSON. */
type Kind = 'current' | 'older' | 'quote' | 'control' | 'windows-1252' | 'empty' | 'cut off';

function kindOf(random: () => number): Kind {
  const at = random();
  if (at < 0.005) return 'empty';
  if (at < 0.01) return 'cut off';
  if (at < 0.03) return 'quote';
  if (at < 0.045) return 'control';
  if (at < 0.06) return 'windows-1252';
  return at < 0.12 ? 'older' : 'current';
}

/** Names that older modules did not escape as JSON wants it, and one of which a byte is no UTF-8. */
const odd: Partial<Record<Kind, string>> = {
  quote: 'wa\\"js',
  control: 'wa\u0001js',
  'windows-1252': 'wa\u00e4js',
};

/** So many people play on a server in a season, over and over. */
const mostPlayers = 400;

/** Six of them, each once. */
function playersOf(kind: Kind, random: () => number): { guid: string; name: string }[] {
  const first = Math.floor(random() * mostPlayers);
  return Array.from({ length: 6 }, (_, index) => {
    const player = (first + 67 * index) % mostPlayers;
    const name = index === 0 ? odd[kind] : undefined;
    return {
      guid: (0xe587ca5f0000 + 977 * player).toString(16).toUpperCase().padStart(32, '0'),
      name: name ?? nicks[player % nicks.length]!,
    };
  });
}

function fieldLines(of: ArtifactRound, lists: { axis: string; allies: string }): string {
  const field = (name: string, value: string, inline = true) =>
    `                {"name": "${name}", "value": "${value}", "inline": ${inline}}`;
  return [
    field('Map', of.map),
    field('Round', String(of.number)),
    field('Winner', '2'),
    field('Defender', '1'),
    field('Lua_Playtime', `${of.endUnix - of.startUnix} sec`),
    field('Lua_Timelimit', '12 min'),
    field('Lua_Pauses', '0 (0 sec)'),
    field('Lua_EndReason', 'objective'),
    field('Lua_Warmup', '31 sec'),
    field('Lua_WarmupStart', String(of.startUnix - 31)),
    field('Lua_RoundStart', String(of.startUnix)),
    field('Lua_RoundEnd', String(of.endUnix)),
    field('Lua_SurrenderTeam', '0'),
    field('Lua_SurrenderCaller', ''),
    field('Lua_SurrenderCallerName', ''),
    field('Lua_AxisScore', '0'),
    field('Lua_AlliesScore', '1'),
    field('Axis_JSON', lists.axis, false),
    field('Allies_JSON', lists.allies, false),
    field('Lua_Pauses_JSON', '[]', false),
    field('Lua_SpawnSummary', 'Players:6 | Spawns:138 | AvgRespawn:8s | MaxRespawn:9s', false),
  ].join(',\n');
}

function textOf(of: ArtifactRound, kind: Kind, random: () => number): string {
  const seconds = of.endUnix - of.startUnix;
  const players = playersOf(kind, random);
  const list = (team: number) =>
    `[${players
      .filter((_, index) => index % 2 === team)
      .map(({ guid, name }) => `{\\"guid\\":\\"${guid}\\",\\"name\\":\\"${name.replace('\\', '\\\\')}\\"}`)
      .join(',')}]`;
  const spawns = players.map(
    ({ guid, name }) =>
      `{"guid":"${guid}","name":"${name}","spawns":${Math.floor(random() * 40)},"deaths":12,"dead_seconds":99,"avg_respawn":8,"max_respawn":9}`,
  );
  const version = kind === 'current' || kind === 'windows-1252' ? '1.7.2' : '1.6.2';
  return `{"meta":{"map":"${of.map}","round":${of.number},"round_start_unix":${of.startUnix},"round_end_unix":${of.endUnix},"actual_duration_seconds":${seconds},"warmup_seconds":31,"pause_seconds":0,"pause_count":0,"server_ip":"0.0.0.0","server_port":"27960","match_id":"${of.endUnix}","spawn_stats":[${spawns.join(',')}]},"payload":{
        "username": "ET:Legacy Stats",
        "content": "STATS_READY",
        "embeds": [{
            "title": "Round Complete: ${of.map} R${of.number}",
            "description": "Timing: Playtime (no pauses) · Warmup · Wall-clock",
            "color": 3447003,
            "fields": [
${fieldLines(of, { axis: list(0), allies: list(1) })}
            ],
            "footer": {"text": "Slomix Lua Webhook v${version}"}
        }]
    }}`;
}

/** The text of a round's artifact, as the present module writes it. */
export function artifactText(of: ArtifactRound, random: () => number): string {
  return textOf(of, 'current', random);
}

function bytesOf(index: number, random: () => number): Buffer {
  const kind = kindOf(random);
  const text = textOf(roundOf(index), kind, random);
  if (kind === 'empty') return Buffer.alloc(0);
  const utf8 = Buffer.from(text);
  const bytes =
    kind === 'windows-1252'
      ? Buffer.from(utf8.toString('latin1').replaceAll('\u00c3\u00a4', '\u00e4'), 'latin1')
      : utf8;
  return kind === 'cut off' ? bytes.subarray(0, Math.floor(bytes.length * random())) : bytes;
}

/** A directory with so many artifacts, whole or only by name, made now or in an earlier run. */
export function artifactDirectory(of: {
  directory: string;
  count: number;
  seed: number;
  content: boolean;
}): string {
  const { directory, count, seed, content } = of;
  const path = join(directory, `${content ? 'artifacts' : 'names'}-${count}-${seed}`);
  const mark = `${path}.complete`;
  if (existsSync(mark)) return path;
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  const random = randomOf(seed);
  for (let index = 0; index < count; index++)
    writeFileSync(join(path, artifactName(roundOf(index))), content ? bytesOf(index, random) : '');
  writeFileSync(mark, '');
  return path;
}
