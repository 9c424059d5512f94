/** Whatever JSON can hold; rows and bodies of the ledger are made of it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A database row with canonical values: numbers, booleans, text and parsed JSON, the same on both databases. */
export type Row = { [column: string]: Json };

/** What a capture brings to a round's row (DOMAIN, section 3, "Timing propagated"). Unix seconds and seconds. */
export interface Timing {
  startUnix: number | null;
  endUnix: number | null;
  durationSeconds: number | null;
  endReason: string | null;
  pauseSeconds: number | null;
  pauseCount: number | null;
}

/** A row of `rounds`, as far as the audit reads it. A column that the source lacks is null. */
export interface Round {
  id: number;
  matchId: string | null;
  number: number | null;
  map: string | null;
  /** Local text of the server, `YYYY-MM-DD`, as it stands there. */
  date: string | null;
  /** Local text of the server, `HHMMSS` or `HH:MM:SS`, as it stands there. */
  time: string | null;
  createdAt: string | null;
  status: string | null;
  isValid: boolean | null;
  isBot: boolean | null;
  session: number | null;
  timing: Timing;
}

/** A row of `lua_round_teams`, as far as matching needs it. */
export interface Capture {
  id: number;
  matchId: string;
  number: number;
  map: string | null;
  timing: Timing;
  warmupSeconds: number | null;
  roundId: number | null;
  /** Of the module that wrote it, such as `1.6.1`; no rule asks for it. */
  luaVersion: string | null;
}

/** A player of a team list. Many lists share one. */
export interface Player {
  readonly guid: string;
  readonly name: string;
}

/** One player's spawn statistics of a round, from an artifact. */
export interface SpawnStat {
  guid: string;
  name: string;
  spawnCount: number;
  deathCount: number;
  deadSeconds: number;
  avgRespawnSeconds: number;
  maxRespawnSeconds: number;
}

/** Everything that an artifact which parsed completely says of its round. */
export interface ArtifactContent {
  map: string;
  number: 1 | 2;
  timing: Timing & { startUnix: number; endUnix: number; durationSeconds: number };
  winnerTeam: number;
  defenderTeam: number;
  timeLimitMinutes: number;
  warmupSeconds: number;
  warmupStartUnix: number;
  surrenderTeam: number;
  surrenderCallerGuid: string;
  surrenderCallerName: string;
  axisScore: number;
  alliesScore: number;
  luaVersion: string;
  axisPlayers: Player[];
  alliesPlayers: Player[];
  pauseEvents: Json[];
  spawns: SpawnStat[];
}

/** A file of an artifact place, as the shell read it. */
export interface Artifact {
  /** Where it lies; the only name that people are shown. */
  path: string;
  safeMap: string;
  number: 1 | 2;
  endUnix: number;
  finished: boolean;
  sha256: string | null;
  bytes: number;
  modifiedUnix: number;
  /** Null where the file is not whole. */
  content: ArtifactContent | null;
  /** Why it is not whole, or null. */
  damage: string | null;
  /** Why it could not be read at all, or null. */
  unreadable: string | null;
  /** A message of the module's retry buffer: everything of an artifact but its meta and its spawn list. */
  bare?: boolean;
  /** It was read from the copy that was kept, because its place does not list it (any more). */
  fromCopy?: boolean;
}

/** A configured place of artifacts, and what was seen of it. */
export interface Place {
  name: string;
  /** Why it counts as unreadable, or null. */
  unreadable: string | null;
  count: number;
  oldestUnix: number | null;
  newestUnix: number | null;
}
