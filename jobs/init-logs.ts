import type { Config } from '../src/config.ts';
import { counted } from '../src/core/counted.ts';
import type { LogName } from '../src/core/log-event.ts';
import { localText } from '../src/core/time.ts';
import { type Check, checksOf } from './doctor-check.ts';
import { type LogSample, sampleLog } from './log-sample.ts';

const { ok, problem, warning } = checksOf('logs');

interface Kind {
  setting: string;
  /** What a person should name there. */
  what: string;
}

const kinds: Record<LogName, Kind> = {
  bot: {
    setting: 'WEBHOOK_LOG',
    what: 'the bot\'s webhook.log: DATE TIME | LEVEL | LOGGER | MESSAGE, with lines such as "Webhook trigger validated"',
  },
  console: {
    setting: 'CONSOLE_LOG',
    what: "the game server's etconsole.log, with lines that begin with [stats_discord_webhook]",
  },
};

function judge(sample: LogSample, of: Kind & { log: LogName; zone: string }): Check {
  const { setting, what, log, zone } = of;
  const { files, lines, understood, newestAt, writtenUnix } = sample;
  const mend = `name ${what}`;
  if (writtenUnix === null)
    return warning(
      setting,
      `${counted(files.length, 'file')}, all of them gzipped`,
      'name the log that is being written',
    );
  const written = `last written ${localText(writtenUnix, zone)}`;
  if (lines === 0)
    return warning(setting, `it is empty, ${written}`, 'nothing to do if no round was played since');
  if (log === 'bot' && newestAt === null)
    return problem(setting, `of its last ${counted(lines, 'line')} none is one of the bot's`, mend);
  const newest = log === 'bot' ? `the newest line is of ${newestAt}` : written;
  if (understood === 0)
    return warning(setting, `of its last ${counted(lines, 'line')} none tells of a round; ${newest}`, mend);
  const told = `${understood} of its last ${counted(lines, 'line')} ${understood === 1 ? 'tells' : 'tell'} of rounds`;
  return ok(setting, `${counted(files.length, 'file')}; ${told}; ${newest}`);
}

/** Whether a log that was named is there, is what it should be, and how new it is. */
export async function lookAtLog(config: Config, log: LogName): Promise<Check[]> {
  const paths = log === 'bot' ? config.botLogPaths : config.consoleLogPaths;
  if (paths.length === 0) return [];
  const sample = await sampleLog(paths, log);
  const { setting } = kinds[log];
  const mend = 'correct the path, or give the user of Roundwarden the right to read it';
  const problems = sample.problems.map(({ path, why }) => problem(setting, `${path}: ${why}`, mend));
  const isBlind = sample.files.length === 0 || (problems.length > 0 && sample.lines === 0);
  return isBlind ? problems : [...problems, judge(sample, { ...kinds[log], log, zone: config.zone })];
}
