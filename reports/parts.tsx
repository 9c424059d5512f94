/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import type { Child } from 'hono/jsx';
import { coverageSum } from '../src/core/coverage.ts';
import { oneLine } from '../src/core/harmless.ts';
import type { LogQuote } from '../src/core/log-event.ts';
import { fileName } from '../src/core/names.ts';
import type { NamedCoverage } from './model.ts';
import { countCells, countColumns, moreText, playedIn } from './words.ts';

/** A table that scrolls by itself where it is too wide, and that a keyboard can scroll. */
export function Table(props: {
  caption: string;
  head: readonly string[];
  children: Child;
  numbers?: number;
}) {
  const { caption, head, children, numbers = head.length } = props;
  return (
    <section class="wide" tabindex={0} aria-label={caption}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {head.map((name, at) => (
              <th scope="col" class={at >= numbers ? 'n' : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

/** A name of the game's world; where it is too long for a phone it breaks after a `_`. */
export function Name({ text }: { text: string }) {
  return (
    <>
      {oneLine(text)
        .split(/(?<=_)/)
        .map((part, at) => (at === 0 ? part : [<wbr />, part]))}
    </>
  );
}

function CountRow({ name, coverage }: NamedCoverage) {
  return (
    <tr>
      <th scope="row">
        <Name text={name} />
      </th>
      {countCells(coverage).map((cell) => (
        <td class="n">{cell}</td>
      ))}
    </tr>
  );
}

/**
 * Counts by a name: one row for each, in the columns of every table of counts. Where there are more than `most`, a
 * last row has the counts of the others together, so that the table adds up.
 */
export function CountTable(props: {
  caption: string;
  by: string;
  rows: readonly NamedCoverage[];
  most?: number;
}) {
  const { caption, by, rows, most = rows.length } = props;
  const others = rows.slice(most).map(({ coverage }) => coverage);
  return (
    <Table caption={caption} head={[by, ...countColumns]} numbers={1}>
      {rows.slice(0, most).map((row) => (
        <CountRow {...row} />
      ))}
      {others.length > 0 ? <CountRow name={moreText(others.length)} coverage={coverageSum(others)} /> : null}
    </Table>
  );
}

/** When a round was played: the time alone where `day` is said elsewhere; and what comes after it. */
export function Played({ at, day, after = '' }: { at: string; day: string | null; after?: string }) {
  if (day !== null) return <time datetime={at}>{`${playedIn(day, at)}${after}`}</time>;
  const [date = '', ...clock] = oneLine(at).split(' ');
  // On a phone it breaks between the two, and not inside of one.
  return (
    <span>
      <span>{date}</span> <span>{`${clock.join(' ')}${after}`}</span>
    </span>
  );
}

/** A state in words and colour. */
export function Badge({ name, words = name }: { name: string; words?: string }) {
  return <span class={`badge ${name}`}>{words}</span>;
}

/** Quoted lines of logs. */
export function Quotes({ lines, most }: { lines: readonly LogQuote[]; most: number }) {
  const text = lines
    .slice(0, most)
    .map(({ file, line, text }) => oneLine(`${fileName(file)}:${line}: ${text}`));
  const left = lines.length - most;
  return <pre>{[...text, ...(left > 0 ? [moreText(left)] : [])].join('\n')}</pre>;
}
