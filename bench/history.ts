import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditRequest } from '../jobs/audit.ts';
import { noProgress } from '../jobs/progress.ts';
import { parseConfig } from '../src/config.ts';
import { dayStart } from '../src/core/time.ts';
import type { Dialect } from '../src/database.ts';
import { openLog } from '../src/log.ts';
import type { BenchOptions } from './bench.ts';
import { keptDatabase } from './databases.ts';
import { writeArtifact, zone } from './evenings.ts';
import { fillHistory, firstDay, type HistoryOptions, historyName, playedRounds } from './source-data.ts';

/** A long history, artifacts of its last rounds, and how it is audited. */
export interface History {
  sourceUrl: string;
  settings: Record<string, string>;
  request: AuditRequest;
}

/** The last day of every history; it is audited two days later. */
export const lastDay = '2026-10-20';

/** Which artifacts a history has: of its last rounds, since the game server keeps no more. */
export interface HistoryArtifacts {
  /** Of so many rounds. */
  of: number;
  /** Whether gaps have theirs, and so can be repaired. */
  ofGaps: boolean;
}

/** Writes the artifacts of a history, once. */
function artifactsOf(directory: string, history: HistoryOptions, artifacts: HistoryArtifacts): string {
  const kind = artifacts.ofGaps ? 'artifacts' : 'artifacts-of-covered';
  const path = join(directory, `${kind}-${historyName(history)}-${artifacts.of}`);
  const mark = `${path}.complete`;
  if (existsSync(mark)) return path;
  mkdirSync(path, { recursive: true });
  const played = [...playedRounds(history)];
  for (const round of played.slice(-artifacts.of))
    if (artifacts.ofGaps || !round.isGap) writeArtifact(path, round);
  writeFileSync(mark, '');
  return path;
}

/** Makes a history, or takes the one of an earlier run. */
export async function history(
  dialect: Dialect,
  options: BenchOptions,
  of: { history: Omit<HistoryOptions, 'spawnRowsOf'>; artifacts: HistoryArtifacts; ledger?: string },
): Promise<History> {
  const { directory } = options;
  const asked = { ...of.history, spawnRowsOf: of.artifacts.of };
  const name = historyName(asked);
  options.say(
    `${dialect}: ${asked.rounds.toLocaleString('en')} rounds, artifacts of the last ${of.artifacts.of}`,
  );
  const sourceUrl = await keptDatabase(dialect, { directory, name }, (database) =>
    fillHistory(database, asked),
  );
  const settings = {
    SOURCE_DATABASE_URL: sourceUrl,
    SOURCE_NAME: 'bench',
    SERVER_TIMEZONE: zone,
    LEDGER_DATABASE_URL: of.ledger ?? `sqlite:${join(directory, 'no-ledger.sqlite')}`,
    DATA_DIR: join(directory, `data-${dialect}`),
    GAMETIME_PATHS: artifactsOf(directory, asked, of.artifacts),
    CAPTURE_SINCE: firstDay,
    MAX_REPAIRS: '0',
  };
  const request: AuditRequest = {
    config: parseConfig(settings),
    log: openLog('silent'),
    scope: { kind: 'all' },
    nowMs: (dayStart(lastDay, zone) + 2 * 86_400) * 1000,
    progress: noProgress,
  };
  return { sourceUrl, settings, request };
}
