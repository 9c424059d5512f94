import type { Database } from '../../src/database.ts';
import { using } from '../failure/scene.ts';

/**
 * What the source itself counts: a row for each committed write of a repair, by triggers, so that a write which was
 * made twice shows even where the rows end up the same.
 */
const watched: readonly { name: string; on: string; table: string; what: string }[] = [
  {
    name: 'captures',
    on: 'insert',
    table: 'lua_round_teams',
    what: "new.match_id || ' ' || new.round_number",
  },
  {
    name: 'spawns',
    on: 'insert',
    table: 'lua_spawn_stats',
    what: "new.match_id || ' ' || new.round_number || ' ' || new.player_guid",
  },
  {
    name: 'links',
    on: 'update of round_id',
    table: 'lua_round_teams',
    what: "new.match_id || ' ' || new.round_number || ' to ' || coalesce(cast(new.round_id as text), 'nothing')",
  },
  { name: 'timings', on: 'update', table: 'rounds', what: 'new.id' },
];

function trigger({ dialect }: Database, { name, on, table, what }: (typeof watched)[number]): string[] {
  const text = `'${name} ' || ${what}`;
  if (dialect === 'sqlite')
    return [
      `create trigger count_${name} after ${on} on ${table} begin insert into counted_writes values (${text}); end`,
    ];
  return [
    `create function count_${name}() returns trigger language plpgsql as
      $$ begin insert into counted_writes values (${text}); return null; end $$`,
    `create trigger count_${name} after ${on} on ${table} for each row execute function count_${name}()`,
  ];
}

/** Lets the source count what is written to it from now on. */
export async function countWrites(url: string): Promise<void> {
  await using(url, async (database) => {
    await database.knex.raw('create table counted_writes (what text not null)');
    for (const one of watched)
      for (const statement of trigger(database, one)) await database.knex.raw(statement);
  });
}

/** Every write that the source counted, sorted: as often as it was made. */
export async function countedWrites(url: string): Promise<string[]> {
  return using(url, async ({ knex }) => {
    const rows: { what: string }[] = await knex('counted_writes').select('what');
    return rows.map(({ what }) => what).sort();
  });
}
