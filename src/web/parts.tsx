/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { basename } from 'node:path';
import type { Child } from 'hono/jsx';
import { oneLine, withoutWebhooks } from '../core/harmless.ts';
import type { LogQuote } from '../core/log-event.ts';
import type { Json } from '../core/model.ts';
import { printableLines } from '../core/printable.ts';
import type { Verdict } from '../core/verdict.ts';
import { type Tone, verdictWords } from './pages/words.ts';

/** A word with a colour that only repeats what it says. */
export function Badge(props: { tone: Tone; children?: Child }) {
  return <span class={`badge ${props.tone}`}>{props.children}</span>;
}

export function VerdictBadge(props: { verdict: Verdict | null }) {
  const { verdict } = props;
  if (verdict === null) return <Badge tone="calm">not judged</Badge>;
  return <Badge tone={verdictWords[verdict]?.tone ?? 'calm'}>{oneLine(verdict)}</Badge>;
}

/** An instant, UTC; `bare` where the column's heading says so already. */
export function At(props: { at: string | null; bare?: boolean }) {
  const { at, bare } = props;
  if (at === null) return <>never</>;
  const text = oneLine(at)
    .replace('T', ' ')
    .replace(/(\.\d+)?Z$/, '');
  return <time datetime={oneLine(at)}>{bare ? text : `${text} UTC`}</time>;
}

/** A table that scrolls inside its own frame where the page is narrow, by keyboard too. Its name is its caption. */
export function Table(props: { caption: string; columns: readonly string[]; children?: Child }) {
  return (
    <section class="frame" aria-label={props.caption} tabindex={0}>
      <table>
        <caption>{props.caption}</caption>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th scope="col">{column}</th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </section>
  );
}

/** A line that answers what somebody just did, or says what is wrong. */
export function Notice(props: { kind: 'status' | 'alert'; children?: Child }) {
  const { kind } = props;
  return (
    <p class={`notice ${kind === 'alert' ? 'bad' : 'good'}`} role={kind} id={kind}>
      {props.children}
    </p>
  );
}

/** Names and what they are. */
export function Facts(props: { facts: readonly (readonly [string, Child])[] }) {
  return (
    <dl class="facts">
      {props.facts.map(([name, what]) => (
        <div>
          <dt>{name}</dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Lines of logs, each with where it stood. */
export function Quotes(props: { quotes: readonly LogQuote[] }) {
  return (
    <ul class="quotes">
      {props.quotes.map(({ file, line, text }) => (
        <li>
          <cite title={oneLine(file)}>{oneLine(`${basename(file)}:${line}`)}</cite> <q>{oneLine(text)}</q>
        </li>
      ))}
    </ul>
  );
}

/** A value of JSON over several lines, harmless: no address that is a key, nothing that turns the writing round. */
export function jsonText(value: Json): string {
  return printableLines(withoutWebhooks(JSON.stringify(value, null, 2).toWellFormed()));
}

/** Something long behind one line. */
export function Fold(props: { summary: Child; open?: boolean; children?: Child }) {
  return (
    <details open={props.open}>
      <summary>{props.summary}</summary>
      {props.children}
    </details>
  );
}
