import type { Source } from '../src/context.ts';
import {
  createIndexText,
  hasMoreRows,
  missingIndexes,
  type NeededIndex,
  neededIndexes,
} from '../src/source/indexes.ts';
import { type Check, checksOf } from './doctor-check.ts';

const { ok, warning } = checksOf('source');

/** Smaller tables are read as a whole in no time. */
export const rowsThatMatter = 5_000;

/** The missing indexes of tables that are large enough to feel it. */
async function felt({ database, schema }: Source): Promise<NeededIndex[]> {
  const missing = await missingIndexes(database, schema);
  const large = new Set<string>();
  for (const table of new Set(missing.map((one) => one.table)))
    if (await hasMoreRows(database, table, rowsThatMatter)) large.add(table);
  return missing.filter(({ table }) => large.has(table));
}

/** Proposes each index that the source lacks, as SQL; its owner decides, and nothing is made. */
export async function checkIndexes(source: Source): Promise<Check[]> {
  const missing = await felt(source);
  if (missing.length === 0)
    return [ok('indexes', `none is missing of ${neededIndexes.length} that would be felt`)];
  return missing.map((one) =>
    warning(
      `index of ${one.table}`,
      `without one on ${one.table} (${one.columns.join(', ')}) the whole table is read: ${one.slow}`,
      `its owner may run: ${createIndexText(one, source.database.dialect)}`,
    ),
  );
}
