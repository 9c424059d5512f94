/** What the console of the game server last said about the module (DOMAIN, section 5). */
export interface ModuleFacts {
  /** Of the last `v<semver> loaded`; null where no line says so. */
  version: string | null;
  /** The last list of `lua_modules`, split; null where no line sets it. */
  modules: readonly string[] | null;
}

export const noModuleFacts: ModuleFacts = { version: null, modules: null };

const loaded = /\[stats_discord_webhook\] v(\d+\.\d+\.\d+\S*) loaded/;
const set = /(?:^|\s|\])set[lsau]?\s+lua_modules\s+(?:"([^"]*)"|(\S+)\s*$)/i;
const shown = /"?lua_modules"?\s+is:\s*"([^"]*)"/i;

/** What is known after one more line of the console. */
export function readModuleLine(facts: ModuleFacts, line: string): ModuleFacts {
  const version = loaded.exec(line)?.[1];
  if (version !== undefined) return { ...facts, version };
  const found = set.exec(line) ?? shown.exec(line);
  const list = found?.[1] ?? found?.[2];
  if (list === undefined) return facts;
  const words = list.replace(/\^[0-9A-Za-z]/g, '').split(/\s+/);
  return { ...facts, modules: words.filter((word) => word !== '') };
}

/** How often a list names the module; the ending may be left out. */
export function timesLoaded(modules: readonly string[]): number {
  return modules.filter((path) => /(?:^|\/)stats_discord_webhook(?:\.lua)?$/.test(path)).length;
}
