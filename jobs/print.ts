import picocolors from 'picocolors';
import stringWidth from 'string-width';
import { type Counts, total } from '../src/core/counts.ts';
import { exemptReasons } from '../src/core/expected.ts';
import { type Verdict, verdicts } from '../src/core/verdict.ts';

/** Colours where people read on a terminal, and nowhere else. */
export const colours = picocolors.createColors(process.stdout.isTTY === true && !process.env.NO_COLOR);

const colourOf: Record<Verdict, (text: string) => string> = {
  covered: colours.green,
  pending: colours.dim,
  relinkable: colours.cyan,
  recoverable: colours.cyan,
  damaged: colours.yellow,
  ambiguous: colours.yellow,
  conflict: colours.yellow,
  unchecked: colours.yellow,
  missing: colours.red,
  lost: colours.red,
};

export const colouredVerdict = (verdict: Verdict) => colourOf[verdict](verdict);

let isPrinting = false;

/** Whether anything was printed so far. */
export const hasPrinted = () => isPrinting;

/** Puts text on standard output; false where it should wait until that has drained. */
export function print(text: string): boolean {
  isPrinting = true;
  return process.stdout.write(text);
}

export function say(text = ''): void {
  print(`${text}\n`);
}

let collected: unknown[] | null = null;

/** Runs what prints documents for programs, and answers with those documents instead of printing them. */
export async function collectJson(work: () => Promise<unknown>): Promise<unknown[]> {
  const documents: unknown[] = [];
  collected = documents;
  try {
    await work();
  } finally {
    collected = null;
  }
  return documents;
}

/** Prints one document for programs. */
export function sayJson(value: unknown): void {
  if (collected !== null) {
    collected.push(value);
    return;
  }
  print(JSON.stringify(value, null, 2));
  print('\n');
}

/** The lines of a row: a cell of several lines goes on below itself. */
function linesOfRow(cells: readonly string[]): string[][] {
  const split = cells.map((cell) => cell.split('\n'));
  const height = Math.max(...split.map((lines) => lines.length));
  return Array.from({ length: height }, (_, at) => split.map((lines) => lines[at] ?? ''));
}

/** A table without frames: columns two spaces apart, a bold head. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  const cells = rows.map((row) => row.map((cell) => (cell === null ? '' : String(cell))));
  const lines = [head.map((cell) => colours.bold(cell)), ...cells].flatMap(linesOfRow);
  const widths = head.map((_, at) =>
    lines.reduce((most, line) => Math.max(most, stringWidth(line[at] ?? '')), 0),
  );
  const padded = (cell: string, at: number) => cell + ' '.repeat(widths[at]! - stringWidth(cell));
  return lines.map((line) => line.map(padded).join('  ').trimEnd()).join('\n');
}

/** `56 = 16 exempt + 8 covered + ...`: every row that was read, counted once. */
export function equation(counts: Counts): string {
  const exempt = exemptReasons.reduce((sum, reason) => sum + counts.exempt[reason], 0);
  const terms = [
    ...(exempt > 0 ? [`${exempt} exempt`] : []),
    ...verdicts.flatMap((verdict) =>
      counts[verdict] > 0 ? [`${counts[verdict]} ${colouredVerdict(verdict)}`] : [],
    ),
  ];
  return `${total(counts)} = ${terms.join(' + ') || '0'}`;
}

/** How wide a terminal is; one whose size nobody has set says 0. */
export const widthOf = (columns: number | undefined): number => columns || Number.POSITIVE_INFINITY;

/** Breaks a text between words, so that it fits a terminal. */
export function wrapped(text: string, width: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

/** The same for lines, each of which keeps its indent. */
export function wrappedLines(text: string, width: number): string {
  const ofLine = (line: string) => {
    const indent = /^ */.exec(line)![0];
    const pieces = wrapped(line.slice(indent.length), width - indent.length).split('\n');
    return pieces.map((piece) => indent + piece);
  };
  return text.split('\n').flatMap(ofLine).join('\n');
}

/** Says sentences: on a terminal no word of them is broken at its edge. Quoted lines and tables stay as they are. */
export function sayWords(text: string): void {
  const { isTTY, columns } = process.stdout;
  say(isTTY ? wrappedLines(text, widthOf(columns)) : text);
}
