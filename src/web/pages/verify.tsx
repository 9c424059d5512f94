/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import type { Context } from 'hono';
import { oneLine } from '../../core/harmless.ts';
import { UsageError } from '../../errors.ts';
import type { Desk, VerifyView } from '../desk.ts';
import type { Env, Session } from '../guard.tsx';
import { Page } from '../layout.tsx';
import { Badge, Facts, Notice, Table } from '../parts.tsx';

/** Asks for a verification, with a head that was seen outside if there is one. */
export function VerifyForm(props: { anchor: string }) {
  return (
    <form method="get" action="/ledger/verify" class="filter">
      <label class="wide">
        The “ledger head” line of an old report or mail, if you have one: if it agrees, nobody has changed
        anything before it
        <input
          type="text"
          name="anchor"
          value={props.anchor}
          maxlength={200}
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      <button type="submit">Verify the ledger</button>
    </form>
  );
}

type Rows = NonNullable<VerifyView['rows']>;

const rowWords: readonly (readonly [keyof Rows, string])[] = [
  ['intact', 'intact'],
  ['overwritten', 'overwritten by the live pipeline, which is no fault'],
  ['changed', 'changed since'],
  ['deleted', 'deleted since'],
];

/** Rows are only compared where the chain is whole, so without them a problem is one of the chain. */
function verdictOf({ problems, anchors, rows }: VerifyView): { good: boolean; sentence: string } {
  if (anchors.some(({ ok }) => !ok))
    return { good: false, sentence: 'The ledger does not agree with the head that was seen outside.' };
  const notIntact = rows === null ? 0 : rows.overwritten + rows.changed + rows.deleted;
  if (problems.length > notIntact) return { good: false, sentence: 'The ledger is not what was written.' };
  if (rows !== null && rows.changed + rows.deleted > 0)
    return {
      good: false,
      sentence: 'The ledger is intact, but rows that were repaired are not as they were written.',
    };
  return { good: true, sentence: 'The ledger is intact: every entry has its hash, and none is missing.' };
}

function Anchors(props: { anchors: VerifyView['anchors'] }) {
  const { anchors } = props;
  if (anchors.length === 0)
    return (
      <p>
        Nothing was compared with a head seen outside: a ledger that was rewritten whole would look intact.
        Paste the “ledger head” line of a report that you got earlier by mail.
      </p>
    );
  return (
    <ul>
      {anchors.map(({ seq, ok, why }) => (
        <li>
          Head of entry {seq}:{' '}
          {ok
            ? 'agrees, so everything up to it is what was seen then'
            : 'does not agree; look first whether the line was copied whole'}
          {why !== null && ` (${oneLine(why)})`}
        </li>
      ))}
    </ul>
  );
}

function Result(props: { result: VerifyView }) {
  const { result } = props;
  const { count, head, problems, anchors, rows } = result;
  const { good, sentence } = verdictOf(result);
  // Without a head from outside it is only consistent in itself.
  const tone = !good ? 'bad' : anchors.length === 0 ? 'calm' : 'good';
  return (
    <section aria-label="Result">
      <p class="big" role="status">
        <Badge tone={tone}>{good ? 'intact' : 'not intact'}</Badge> {sentence}
      </p>
      <Facts
        facts={[
          ['entries', String(count)],
          ['head', <code class="hash">{`${head.seq} ${head.hash}`}</code>],
        ]}
      />
      <h2>Heads seen outside</h2>
      <Anchors anchors={anchors} />
      <h2>Repaired rows</h2>
      {rows === null ? (
        <p>The source was not asked.</p>
      ) : (
        <Facts facts={rowWords.map(([name, text]) => [text, String(rows[name])] as const)} />
      )}
      {problems.length > 0 && (
        <Table
          caption={rows === null ? 'Problems' : 'Rows that are not as they were written'}
          columns={['Entry', 'What']}
        >
          {problems.map(({ seq, what }) => (
            <tr>
              <th scope="row">{seq === null ? 'none' : <a href={`/ledger?at=${seq}`}>{seq}</a>}</th>
              <td>{oneLine(what)}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

function Whole(props: {
  session: Session;
  anchor: string;
  result: VerifyView | null;
  problem: string | null;
}) {
  const { session, anchor, result, problem } = props;
  return (
    <Page title="Verification of the ledger" session={session} current="/ledger">
      <h1>Verification of the ledger</h1>
      {problem !== null && <Notice kind="alert">{oneLine(problem)}</Notice>}
      {result !== null && <Result result={result} />}
      <VerifyForm anchor={anchor} />
      <p>
        <a href="/ledger">Back to the ledger</a>
      </p>
    </Page>
  );
}

/** `/ledger/verify`: every entry hashed again, and every repaired row compared. */
export function verifyPage(desk: Desk) {
  return async (c: Context<Env>) => {
    const anchor = (c.req.query('anchor') ?? '').trim();
    const { session } = c.var;
    try {
      const result = await desk.verify(anchor === '' ? null : anchor);
      return c.html(<Whole session={session} anchor={anchor} result={result} problem={null} />);
    } catch (thrown) {
      if (!(thrown instanceof UsageError)) throw thrown;
      return c.html(<Whole session={session} anchor={anchor} result={null} problem={thrown.message} />, 400);
    }
  };
}
