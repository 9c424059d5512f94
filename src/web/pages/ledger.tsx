/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import type { Context } from 'hono';
import { entryText } from '../../core/entry-text.ts';
import { oneLine } from '../../core/harmless.ts';
import { entryKinds } from '../../core/incident.ts';
import type { ChainedEntry, Desk, LedgerPage } from '../desk.ts';
import type { Env, Session } from '../guard.tsx';
import { Page } from '../layout.tsx';
import { At, Facts, jsonText, Notice } from '../parts.tsx';
import { ledgerQuery } from './query.ts';
import { VerifyForm } from './verify.tsx';

function IncidentLinks(props: { ids: readonly number[] }) {
  const { ids } = props;
  if (ids.length === 0) return <>none</>;
  return (
    <>
      {ids.map((id, index) => (
        <>
          {index > 0 && ', '}
          <a href={`/incidents/${id}`}>{id}</a>
        </>
      ))}
    </>
  );
}

function Entry(props: { entry: ChainedEntry; open: boolean }) {
  const { entry, open } = props;
  const { seq, at, kind, source, key, body, prevHash, hash, incidents } = entry;
  return (
    <li id={`entry-${seq}`}>
      <details open={open}>
        <summary>
          <span class="seq">{seq}</span> <At at={at} /> <strong>{oneLine(kind)}</strong>{' '}
          <span class="muted">{oneLine(key)}</span> {oneLine(entryText(entry))}
        </summary>
        <Facts
          facts={[
            ['source', oneLine(source) || 'none'],
            ['key', oneLine(key) || 'none'],
            ['incident', <IncidentLinks ids={incidents} />],
            ['previous hash', <code class="hash">{prevHash}</code>],
            ['hash', <code class="hash">{hash}</code>],
          ]}
        />
        <pre>{jsonText(body)}</pre>
      </details>
    </li>
  );
}

/** The head is what people keep outside, so it stands there as they have to write it down. */
export function HeadLine(props: { head: { seq: number; hash: string } | null }) {
  const { head } = props;
  if (head === null) return <p>The ledger has no entry yet.</p>;
  return (
    <p>
      Head: <code class="hash">{`${head.seq} ${head.hash}`}</code>
    </p>
  );
}

function KindFilter(props: { kind: string | null }) {
  return (
    <form method="get" action="/ledger" class="filter">
      <label>
        Kind of entry
        <select name="kind">
          <option value="">any</option>
          {entryKinds.map((kind) => (
            <option value={kind} selected={kind === props.kind}>
              {kind}
            </option>
          ))}
        </select>
      </label>
      <button type="submit">Show</button>
    </form>
  );
}

function address(kind: string | null, before: number | null): string {
  const query = new URLSearchParams();
  if (kind !== null) query.set('kind', kind);
  if (before !== null) query.set('before', String(before));
  return query.size === 0 ? '/ledger' : `/ledger?${query}`;
}

function Pager(props: { kind: string | null; asked: number | null; older: number | null }) {
  const { kind, asked, older } = props;
  if (asked === null && older === null) return null;
  return (
    <nav aria-label="Pages of the ledger" class="pager">
      {asked !== null && <a href={address(kind, null)}>Newest</a>}
      {older !== null && (
        <a rel="next" href={address(kind, older)}>
          Older
        </a>
      )}
    </nav>
  );
}

function Whole(props: { session: Session; asked: ReturnType<typeof ledgerQuery>; found: LedgerPage }) {
  const { session, asked, found } = props;
  const { kind, before } = asked.page;
  return (
    <Page title="Ledger" session={session} current="/ledger">
      <h1>Ledger</h1>
      <p class="lead">
        Everything that was found, done and decided. Entries are only ever added, each with the hash of the
        one before.
      </p>
      <HeadLine head={found.head} />
      <VerifyForm anchor="" />
      <p>
        <a href="/ledger/export" download>
          Download every entry (NDJSON)
        </a>
      </p>
      <h2>{asked.at === null ? 'Entries, newest first' : `Entry ${asked.at}, and those before it`}</h2>
      {asked.unread.length > 0 && (
        <Notice kind="alert">
          This could not be read, and restricts nothing: {asked.unread.join(', ')}.
        </Notice>
      )}
      {asked.at !== null && asked.at > (found.head?.seq ?? 0) && (
        <Notice kind="alert">The ledger has no entry {asked.at} yet; these are its newest.</Notice>
      )}
      <KindFilter kind={kind} />
      {found.entries.length === 0 ? (
        <p>There is no such entry.</p>
      ) : (
        <ol class="entries">
          {found.entries.map((entry) => (
            <Entry entry={entry} open={entry.seq === asked.at} />
          ))}
        </ol>
      )}
      <Pager kind={kind} asked={before} older={found.before} />
    </Page>
  );
}

/** `/ledger`: the entries, newest first. */
export function ledgerPage(desk: Desk) {
  return async (c: Context<Env>) => {
    const asked = ledgerQuery(c.req.query());
    const found = await desk.ledger(asked.page);
    return c.html(<Whole session={c.var.session} asked={asked} found={found} />);
  };
}

async function* bytesOf(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const line of lines) yield encoder.encode(line.endsWith('\n') ? line : `${line}\n`);
}

/** `/ledger/export`: every entry, streamed: a ledger may be larger than what fits into memory. */
export function ledgerExport(desk: Desk) {
  return (c: Context<Env>) => {
    c.header('Content-Type', 'application/x-ndjson');
    c.header('Content-Disposition', 'attachment; filename="roundwarden-ledger.ndjson"');
    return c.body(ReadableStream.from(bytesOf(desk.exportLedger())));
  };
}
