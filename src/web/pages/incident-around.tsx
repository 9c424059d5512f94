/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { counted } from '../../core/counted.ts';
import { entryText } from '../../core/entry-text.ts';
import { oneLine } from '../../core/harmless.ts';
import type { FoldEntry } from '../../core/incident.ts';
import type { Json, Row } from '../../core/model.ts';
import type { IncidentView, PacketView } from '../desk.ts';
import { At, Fold, jsonText, Quotes, Table } from '../parts.tsx';
import { isPlainPath } from './query.ts';

/** What the ledger says of it, oldest first. */
export function TimelinePart(props: { entries: readonly FoldEntry[] }) {
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">Timeline</h2>
      <Table caption="Ledger entries about it, oldest first" columns={['Entry, at (UTC)', 'What']}>
        {props.entries.map((entry) => (
          <tr>
            <th scope="row">
              <a href={`/ledger?at=${entry.seq}`}>{entry.seq}</a>
              <small>
                <At at={entry.at} bare />
              </small>
            </th>
            <td class="prose">
              {oneLine(entryText(entry))} <span class="muted">{oneLine(entry.kind)}</span>
            </td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

const keyColumns = {
  rounds: [
    'map_name',
    'round_number',
    'round_date',
    'round_time',
    'round_status',
    'round_start_unix',
    'round_end_unix',
    'match_id',
  ],
  captures: ['map_name', 'round_number', 'round_id', 'round_start_unix', 'round_end_unix', 'match_id'],
  spawns: ['map_name', 'round_number', 'round_id', 'player_name', 'spawn_count', 'match_id'],
};

const captions = {
  rounds: 'Rows of rounds',
  captures: 'Rows of lua_round_teams (captures)',
  spawns: 'Rows of lua_spawn_stats (spawn rows)',
};

function cellText(value: Json | undefined): string {
  if (value === undefined) return '';
  if (value === null) return 'null';
  return oneLine(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** More than that would make a page that nobody can use; the packet has them all. */
const mostRows = 100;

/** A table that is longer waits behind its caption. */
const shownAtOnce = 15;

interface RowsProps {
  table: keyof typeof keyColumns;
  rows: readonly Row[];
  roundId: number | null;
}

function RowTable(props: RowsProps & { caption: string }) {
  const { table, rows, roundId, caption } = props;
  const columns = keyColumns[table].filter((column) => rows.some((row) => column in row));
  const isOwn = (row: Row) => roundId !== null && row[table === 'rounds' ? 'id' : 'round_id'] === roundId;
  return (
    <Table caption={`${caption}; open one to see all of it`} columns={['id', ...columns]}>
      {rows.map((row) => (
        <tr class={isOwn(row) ? 'own' : undefined}>
          <td>
            <Fold summary={`${cellText(row.id)}${isOwn(row) ? ', of this round' : ''}`}>
              <pre>{jsonText(row)}</pre>
            </Fold>
          </td>
          {columns.map((column) => (
            <td class="nowrap">{cellText(row[column])}</td>
          ))}
        </tr>
      ))}
    </Table>
  );
}

function Rows(props: RowsProps) {
  const { table, rows, roundId } = props;
  if (rows.length === 0) return <p>{captions[table]}: none.</p>;
  const shown = rows.slice(0, mostRows);
  const count = shown.length < rows.length ? `the first ${mostRows} of ${rows.length}` : `${rows.length}`;
  const caption = `${captions[table]}: ${count}`;
  const whole = <RowTable table={table} rows={shown} roundId={roundId} caption={caption} />;
  return shown.length > shownAtOnce ? <Fold summary={caption}>{whole}</Fold> : whole;
}

/** What the source holds near it. */
export function RowsPart(props: { view: IncidentView }) {
  const { rows, incident, whyNotNow } = props.view;
  const roundId = incident.round?.roundId ?? null;
  return (
    <section aria-labelledby="rows">
      <h2 id="rows">The rows around it</h2>
      {rows === null ? (
        <p>The source cannot be read now{whyNotNow === null ? '' : `: ${oneLine(whyNotNow)}`}.</p>
      ) : (
        <>
          <Rows table="rounds" rows={rows.rounds} roundId={roundId} />
          <Rows table="captures" rows={rows.captures} roundId={roundId} />
          <Rows table="spawns" rows={rows.spawns} roundId={roundId} />
        </>
      )}
    </section>
  );
}

const logNames = { bot: "the bot's log", console: "the game server's console" };

/** What the logs say of the quarters of an hour before and after. */
export function LogsPart(props: { view: IncidentView }) {
  const { logLines } = props.view;
  return (
    <section aria-labelledby="logs">
      <h2 id="logs">The log lines around it</h2>
      <p class="muted">Besides those that prove its cause, which stand above.</p>
      {(['bot', 'console'] as const).map((log) =>
        logLines[log].length === 0 ? (
          <p>No line of {logNames[log]} is known of a quarter of an hour around it.</p>
        ) : (
          <Fold summary={`${counted(logLines[log].length, 'line')} of ${logNames[log]}`}>
            <Quotes quotes={logLines[log]} />
          </Fold>
        ),
      )}
    </section>
  );
}

/** The triage packet: everything above as files, as it was when the packet was written. */
export function PacketPart(props: { packet: PacketView | null }) {
  const { packet } = props;
  return (
    <section aria-labelledby="packet">
      <h2 id="packet">Triage packet</h2>
      {packet === null ? (
        <p>No packet was written of it; packets are written of rounds that are written off.</p>
      ) : (
        <ul class="files">
          {packet.files
            .filter((file) => isPlainPath(file) && isPlainPath(packet.folder))
            .map((file) => (
              <li>
                <a href={`/packets/${packet.folder}/${file}`}>{file}</a>
              </li>
            ))}
        </ul>
      )}
    </section>
  );
}
