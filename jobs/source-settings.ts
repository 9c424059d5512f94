import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../src/config.ts';
import { UsageError } from '../src/errors.ts';
import { otherSource } from '../src/ledger/incidents.ts';
import type { Ledger } from '../src/ledger/ledger.ts';

/** Throws a UsageError where the source is the usual file, which is not there: nobody has set anything here. */
export function assertSourceSet({ sourceUrl, dataDir }: Config): void {
  const usual = join(dataDir, 'source.sqlite');
  if (sourceUrl !== `sqlite:${usual}` || existsSync(usual)) return;
  throw new UsageError(
    `SOURCE_DATABASE_URL is not set, and there is no ${usual} in ${process.cwd()}: run \`roundwarden init\`, or go to where your .env is`,
  );
}

/**
 * A source whose name nobody has set is named after its address: it would begin a second history where the database has
 * moved, or the name was forgotten, and what people have decided of the first one would not count. Throws a UsageError
 * where the ledger tells of other sources alone.
 */
export async function assertSourceKnown(config: Config, ledger: Ledger | null): Promise<void> {
  if (ledger === null || config.isNamed) return;
  const other = await otherSource(ledger, config.sourceName);
  if (other !== null)
    throw new UsageError(
      `SOURCE_NAME is not set, so this source is "${config.sourceName}"; the ledger has the history of "${other}" and none of that: set SOURCE_NAME=${other} if it is the same, or another name for a new one`,
    );
}
