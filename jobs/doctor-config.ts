import { type Config, parseConfig } from '../src/config.ts';
import { messageOf } from '../src/errors.ts';
import { readServers } from '../src/servers.ts';
import { type Check, checksOf } from './doctor-check.ts';

/** The settings, or one line for each that is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): {
  config: Config | null;
  checks: Check[];
} {
  const { ok: good, problem: wrong } = checksOf('configuration');
  try {
    readServers(environment);
    const config = parseConfig(environment);
    const repair = config.repair ? 'repairs are on' : 'REPAIR=off: nothing is written to the source';
    return { config, checks: [good('settings', `they can be read; source ${config.sourceName}; ${repair}`)] };
  } catch (thrown) {
    const [, ...problems] = messageOf(thrown).split(/\n {2}- /);
    const lines = problems.length === 0 ? [messageOf(thrown)] : problems;
    const checks = lines.map((line) => {
      const [name = 'settings'] = /[A-Z][A-Z_]{3,}/.exec(line) ?? [];
      return wrong(name, line, 'correct it in the environment, or in .env in the working directory');
    });
    return { config: null, checks };
  }
}
