import { parse } from 'dotenv';
import { codeOf, OperationError, UsageError } from '../src/errors.ts';
import { replaceFile } from '../src/replace-file.ts';
import { readSettingFile } from '../src/setting-file.ts';

/** The text of a `.env`, or '' where there is none. */
export function readEnvFile(path: string): string {
  try {
    return readSettingFile(path);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return '';
    throw new UsageError(`cannot read ${path}`, { cause: thrown });
  }
}

/** The value as it is read back from a line; the first spelling that is, of those that a `.env` knows. */
function lineOf(name: string, value: string): string {
  const quoted = ["'", '`', '"']
    .filter((quote) => !value.includes(quote))
    .map((quote) => quote + value + quote);
  // A quote that stands bare may be read as the beginning of a value that ends lines later.
  const spellings = /["'`]/.test(value) ? [...quoted, value] : [value, ...quoted];
  const line = spellings
    .map((spelling) => `${name}=${spelling}`)
    .find((text) => !/[\r\n]/.test(text) && parse(text)[name] === value);
  // The value may be a secret.
  if (line === undefined)
    throw new UsageError(`${name} cannot stand in a .env file; give it as ${name}_FILE`);
  return line;
}

const setsIt = (name: string) => new RegExp(`^\\s*(?:export\\s+)?${name}\\s*[=:]`);

/**
 * The text with other values; everything else stays as it is, comments too. A value of null takes its line out.
 * Throws a UsageError where a value cannot be spelled, or the text would not be read back as it is meant.
 */
export function changeEnvText(text: string, changes: ReadonlyMap<string, string | null>): string {
  let lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  for (const [name, value] of changes) {
    const at = lines.findLastIndex((line) => setsIt(name).test(line));
    const line = value === null ? [] : [lineOf(name, value)];
    lines = lines.flatMap((old, index) => {
      if (index === at) return line;
      return setsIt(name).test(old) ? [] : [old];
    });
    if (at === -1) lines.push(...line);
  }
  const changed = lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  const expected = Object.entries({ ...parse(text), ...Object.fromEntries(changes) }).filter(
    ([, value]) => value !== null,
  );
  const found = parse(changed);
  for (const [name, value] of expected)
    if (found[name] !== value)
      throw new UsageError(`.env has lines that cannot be changed safely, about ${name}; edit it by hand`);
  return changed;
}

/** Replaces a `.env` in one step, readable by its owner alone: whoever reads it finds the old one or the new. */
export function writeEnvFile(path: string, text: string): void {
  try {
    replaceFile(path, text, { mode: 0o600 });
  } catch (cause) {
    throw new OperationError(`cannot write ${path}; it is as it was`, { cause });
  }
}
