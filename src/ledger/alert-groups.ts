import { z } from 'zod';
import type { AlertGroup } from '../core/alert.ts';
import { verdicts } from '../core/verdict.ts';
import type { Database } from '../database.ts';
import { storedGap } from './stored-message.ts';

const gap = storedGap.extend({
  key: z.string(),
  playedUnix: z.number().nullable(),
  verdict: z.enum(verdicts),
});

const groupRow = z.object({
  key: z.string(),
  state: z
    .string()
    .transform((text) => JSON.parse(text) as unknown)
    .pipe(z.object({ openedAt: z.string(), level: z.enum(['alert', 'urgent']), gaps: z.array(gap) })),
});

function groupFromRow(row: unknown): AlertGroup {
  const { key, state } = groupRow.parse(row);
  const { openedAt, level, gaps } = state;
  return { key, openedAt, level, gaps };
}

/** The groups of a source that people were told of and that are not over. */
export async function openAlertGroups(database: Database, source: string): Promise<AlertGroup[]> {
  const rows = await database
    .knex('alert_groups')
    .select('key', 'state')
    .where({ source, is_open: 1 })
    .orderBy('key');
  return rows.map(groupFromRow);
}

/** Stores what changed about the groups of a source; a group that is over keeps its last state. */
export async function saveAlertGroups(
  inside: Database,
  source: string,
  of: { changed: readonly AlertGroup[]; closed: readonly string[] },
): Promise<void> {
  for (const { key, openedAt, level, gaps } of of.changed)
    await inside
      .knex('alert_groups')
      .insert({ source, key, is_open: 1, state: JSON.stringify({ openedAt, level, gaps }) })
      .onConflict(['source', 'key'])
      .merge(['is_open', 'state']);
  for (const key of of.closed)
    await inside.knex('alert_groups').where({ source, key }).update({ is_open: 0 });
}
