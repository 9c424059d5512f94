import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { type ModuleFacts, noModuleFacts, readModuleLine, timesLoaded } from '../src/core/lua-modules.ts';
import { type Check, checksOf, type Examination } from './doctor-check.ts';

const { ok, problem, unchecked } = checksOf('pipeline');

async function readModuleFacts(path: string): Promise<ModuleFacts> {
  let facts = noModuleFacts;
  const file = createReadStream(path);
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  file.on('error', (thrown) => input.destroy(thrown));
  for await (const line of lines) facts = readModuleLine(facts, line);
  return facts;
}

const mostParts = 5;

/** The newest facts of the console's parts; a server that has run for days said them in an older part. */
async function lastModuleFacts(files: readonly string[]): Promise<ModuleFacts> {
  let known = noModuleFacts;
  for (const path of files.slice(-mostParts).reverse()) {
    const older = await readModuleFacts(path).catch(() => noModuleFacts);
    known = { version: known.version ?? older.version, modules: known.modules ?? older.modules };
    if (known.version !== null && known.modules !== null) break;
  }
  return known;
}

function checkLoaded(modules: readonly string[] | null): Check {
  const name = 'lua_modules';
  if (modules === null)
    return unchecked(
      name,
      'no line of the console log sets lua_modules',
      'restart the game server, or look by hand: `rcon lua_modules`',
    );
  const times = timesLoaded(modules);
  if (times === 1) return ok(name, 'stats_discord_webhook.lua once');
  return problem(
    name,
    times === 0
      ? `stats_discord_webhook.lua is not in "${modules.join(' ')}"`
      : `stats_discord_webhook.lua ${times} times`,
    'name luascripts/stats_discord_webhook.lua exactly once in `setl lua_modules "..."`, and restart the game server',
  );
}

/** Which module the game server runs, and that it runs it once. */
export async function checkModule(asked: Examination, consoleFiles: readonly string[]): Promise<Check[]> {
  if (asked.config.consoleLogPaths.length === 0) {
    const mend = "set CONSOLE_LOG to the game server's etconsole.log";
    return asked.acceptance ? [unchecked('lua_modules', 'CONSOLE_LOG is not set', mend)] : [];
  }
  if (consoleFiles.length === 0) {
    const mend = 'see `roundwarden doctor`: CONSOLE_LOG';
    return asked.acceptance ? [unchecked('lua_modules', 'the console log could not be read', mend)] : [];
  }
  const { version, modules } = await lastModuleFacts(consoleFiles);
  const mend = 'restart the game server, or look by hand: `rcon lua_status`';
  return [
    checkLoaded(modules),
    version === null
      ? unchecked('module version', 'no line of the console log says which version was loaded', mend)
      : ok('module version', version),
  ];
}
