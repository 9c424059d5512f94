import { type Beat, sendBeat } from '../src/alert/heartbeat.ts';
import { secretsOf, withoutSecrets } from '../src/alert/secrets.ts';
import type { Config } from '../src/config.ts';
import { cutMiddle, oneLine } from '../src/core/harmless.ts';
import { headLine } from '../src/core/head-line.ts';
import { verdicts } from '../src/core/verdict.ts';
import { exitCodeOfFailure, LeaseHeldError, messageOf } from '../src/errors.ts';
import { headFileIn, readHead } from '../src/ledger/head.ts';
import type { Log } from '../src/log.ts';
import { type AuditResult, exitCodeOf } from './audit-result.ts';

/** What an audit that is watched tells. */
export interface Watched {
  config: Config;
  log: Log;
  /** Aborted where the process was asked to end: then a failure is none. */
  signal?: AbortSignal;
}

const longestReason = 300;

/** Which beats could not be sent last time: said once when it begins, and once when it ends, not at each audit. */
const silent = new Set<Beat>();

async function tell({ config, log }: Watched, beat: Beat, text: string): Promise<void> {
  const delivery = await sendBeat(config.heartbeatUrl!, { beat, text });
  const was = silent.has(beat);
  if (delivery.state === 'delivered') {
    silent.delete(beat);
    if (was) log.info({ beat }, 'the heartbeat gets through again');
    return;
  }
  silent.add(beat);
  if (!was)
    log.warn(
      { beat, why: delivery.why },
      'could not send the heartbeat; the audit goes on, and this is not said again until it gets through',
    );
}

function countsText({ after }: AuditResult): string {
  return verdicts
    .flatMap((verdict) => (after[verdict] > 0 ? [`${after[verdict]} ${verdict}`] : []))
    .join(', ');
}

function endText(result: AuditResult): string {
  const { run, source, rowsRead, state, ledger } = result;
  return [
    `run ${run} of ${source}: ${state}, exit code ${exitCodeOf(result)}`,
    `${rowsRead} rows read: ${countsText(result) || 'no expected round'}`,
    headLine(ledger),
  ].join('\n');
}

/** The head as this host last saw it: the ledger itself may be what failed. */
function lastHead({ dataDir }: Config): string {
  try {
    return headLine(readHead(headFileIn(dataDir)));
  } catch {
    return 'ledger head: head.json cannot be read';
  }
}

function failText(config: Config, run: string | null, thrown: unknown): string {
  const { sourceUrl, sourceReadUrl, sourceRevertUrl, ledgerUrl, fleetUrl, heartbeatUrl } = config;
  const urls = [sourceUrl, sourceReadUrl, sourceRevertUrl, ledgerUrl, fleetUrl, heartbeatUrl];
  const set = urls.filter((url) => url !== null);
  const secrets = set.filter((url) => !url.startsWith('sqlite:')).flatMap(secretsOf);
  const why = cutMiddle(oneLine(withoutSecrets(messageOf(thrown), secrets)), longestReason);
  return [
    `${run === null ? 'an audit' : `run ${run}`} of ${config.sourceName}: failed, exit code ${exitCodeOfFailure(thrown)}`,
    why,
    lastHead(config),
  ].join('\n');
}

/** Tells the dead man's switch that an audit failed; nothing where none is set, or where it only made way for another. */
export async function tellFailure(watched: Watched, run: string | null, thrown: unknown): Promise<void> {
  const { config, signal } = watched;
  // Another run is at work and tells for itself; who was asked to end has not failed.
  if (config.heartbeatUrl === null || thrown instanceof LeaseHeldError || signal?.aborted) return;
  await tell(watched, 'fail', failText(config, run, thrown));
}

/**
 * Lets a dead man's switch watch one audit: its start, once it holds the lease, and how it ended. An audit with
 * something open (exit code 3) went well. Whatever becomes of a beat, the audit comes to the same.
 */
export async function withHeartbeat(
  watched: Watched,
  work: (began: (run: string) => void) => Promise<AuditResult>,
): Promise<AuditResult> {
  if (watched.config.heartbeatUrl === null) return work(() => undefined);
  let run: string | null = null;
  let start: Promise<void> = Promise.resolve();
  const began = (id: string) => {
    run = id;
    start = tell(watched, 'start', `run ${id} of ${watched.config.sourceName} began`);
  };
  try {
    const result = await work(began);
    // In their order: a start that came last would look like a run that hangs.
    await start;
    await tell(watched, 'success', endText(result));
    return result;
  } catch (thrown) {
    await start;
    await tellFailure(watched, run, thrown);
    throw thrown;
  }
}
