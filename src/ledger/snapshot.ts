import type { Database } from '../database.ts';

/** Runs `work` on the database as it is at one moment, whatever others write meanwhile. For reading only. */
export async function snapshot<T>(database: Database, work: (inside: Database) => Promise<T>): Promise<T> {
  if (database.dialect === 'postgres')
    return database.knex.transaction((transaction) => work({ ...database, knex: transaction }), {
      isolationLevel: 'repeatable read',
      readOnly: true,
    });
  await database.knex.raw('begin');
  try {
    return await work(database);
  } finally {
    await database.knex.raw('commit');
  }
}
