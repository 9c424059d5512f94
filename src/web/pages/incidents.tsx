/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */

import type { Context } from 'hono';
import { causeCodes } from '../../core/cause.ts';
import { counted } from '../../core/counted.ts';
import { verdicts } from '../../core/verdict.ts';
import type { Desk, IncidentFilter, IncidentPage } from '../desk.ts';
import type { Env, Session } from '../guard.tsx';
import { Page } from '../layout.tsx';
import { Notice } from '../parts.tsx';
import { IncidentTable } from './incident-table.tsx';
import { incidentFilter } from './query.ts';
import { causeText } from './words.ts';

const statusNames: Record<IncidentFilter['status'], string> = {
  open: 'open only',
  unclosed: 'all that are not closed',
  all: 'all, closed ones too',
};

/** A pending round has no incident. */
const recorded = verdicts.filter((verdict) => verdict !== 'pending');

function Choice(props: {
  name: string;
  label: string;
  any: string | null;
  chosen: string | null;
  options: readonly (readonly [string, string])[];
}) {
  const { name, label, any, chosen, options } = props;
  return (
    <label>
      {label}
      <select name={name}>
        {any !== null && <option value="">{any}</option>}
        {options.map(([value, text]) => (
          <option value={value} selected={value === chosen}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function FilterForm(props: { filter: IncidentFilter }) {
  const { filter } = props;
  return (
    <form method="get" action="/incidents" class="filter">
      <Choice
        name="status"
        label="Status"
        any={null}
        chosen={filter.status}
        options={Object.entries(statusNames)}
      />
      <Choice
        name="verdict"
        label="Verdict"
        any="any"
        chosen={filter.verdict}
        options={recorded.map((verdict) => [verdict, verdict])}
      />
      <Choice
        name="cause"
        label="Cause"
        any="any"
        chosen={filter.cause}
        options={causeCodes.map((code) => [code, causeText(code)])}
      />
      <label>
        Map contains
        <input type="text" name="map" value={filter.map ?? ''} maxlength={64} />
      </label>
      <label>
        Day played
        <input type="date" name="day" value={filter.day ?? ''} />
      </label>
      <label>
        Played since
        <input type="date" name="since" value={filter.since ?? ''} />
      </label>
      <label>
        Round
        <input type="text" inputmode="numeric" name="round" value={textOf(filter.round) ?? ''} size={8} />
      </label>
      <button type="submit">Show</button>
    </form>
  );
}

const textOf = (round: number | null) => (round === null ? null : String(round));

/** The address of another page of the same filter. */
function pageAddress(filter: IncidentFilter, page: number): string {
  const { status, verdict, cause, map, day, since, round } = filter;
  const asked = { status, verdict, cause, map, day, since, round: textOf(round), page: String(page) };
  const given = Object.entries(asked).filter((entry): entry is [string, string] => entry[1] !== null);
  return `/incidents?${new URLSearchParams(given)}`;
}

function Pager(props: { filter: IncidentFilter; found: IncidentPage }) {
  const { filter, found } = props;
  const last = Math.max(1, Math.ceil(found.total / found.pageSize));
  if (last === 1 && filter.page === 1) return null;
  return (
    <nav aria-label="Pages of the list" class="pager">
      {filter.page > 1 && (
        <a rel="prev" href={pageAddress(filter, Math.min(filter.page - 1, last))}>
          Newer
        </a>
      )}
      <span>
        Page {filter.page} of {last}
      </span>
      {filter.page < last && (
        <a rel="next" href={pageAddress(filter, filter.page + 1)}>
          Older
        </a>
      )}
    </nav>
  );
}

function Nothing(props: { filter: IncidentFilter; total: number }) {
  const { filter, total } = props;
  if (total > 0) return <p>There is nothing on page {filter.page}.</p>;
  return (
    <p>
      No incident fits this.{' '}
      {filter.round !== null && (
        <>
          A round has one only where an audit found it without its capture;{' '}
          <code>roundwarden explain {filter.round}</code> says how this one stands.{' '}
        </>
      )}
      <a href="/incidents?status=all">Show all incidents</a>
    </p>
  );
}

function List(props: { session: Session; filter: IncidentFilter; unread: string[]; found: IncidentPage }) {
  const { session, filter, unread, found } = props;
  const first = (filter.page - 1) * found.pageSize + 1;
  const caption = `Incidents ${first} to ${first + found.incidents.length - 1} of ${found.total}, newest first`;
  return (
    <Page title="Incidents" session={session} current="/incidents">
      <h1>Incidents</h1>
      <p class="lead">
        An incident is the story of one round that should have a capture and has none.{' '}
        {counted(found.total, 'incident')} {found.total === 1 ? 'fits' : 'fit'} the filter.
      </p>
      {unread.length > 0 && (
        <Notice kind="alert">
          This could not be read, and restricts nothing: {unread.join(', ')}.
          {(unread.includes('day') || unread.includes('since')) && ' A day is written YYYY-MM-DD.'}
          {unread.includes('round') && ' A round is named by its number in the database.'}
        </Notice>
      )}
      <FilterForm filter={filter} />
      {found.incidents.length === 0 ? (
        <Nothing filter={filter} total={found.total} />
      ) : (
        <IncidentTable caption={caption} incidents={found.incidents} />
      )}
      <Pager filter={filter} found={found} />
    </Page>
  );
}

/** `/incidents`: the list, with its filter in the address. */
export function incidentsPage(desk: Desk) {
  return async (c: Context<Env>) => {
    const { filter, unread } = incidentFilter(c.req.query());
    const found = await desk.incidents(filter);
    return c.html(<List session={c.var.session} filter={filter} unread={unread} found={found} />);
  };
}
