import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { OperationError } from '../src/errors.ts';
import { widthOf, wrappedLines } from './print.ts';

/** A person at a terminal. Every answer throws an OperationError where they end it (Ctrl-C, Ctrl-D). */
export interface Person {
  say(text: string): void;
  /** One line, without the blanks around it. */
  ask(prompt: string): Promise<string>;
  /** One line of which nothing is shown. */
  askHidden(prompt: string): Promise<string>;
  /** Yes or no, by their first letter; `fallback` where nothing is answered. */
  confirm(question: string, fallback: boolean): Promise<boolean>;
}

export interface Terminal {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
}

/** Lets `work` ask somebody at a terminal, which is as before when it ends. */
export async function withPerson<T>(terminal: Terminal, work: (person: Person) => Promise<T>): Promise<T> {
  let hidden = false;
  const columns = widthOf((terminal.output as { columns?: number }).columns);
  const shown = new Writable({
    write(piece: Buffer, _encoding, done) {
      if (!hidden) terminal.output.write(piece);
      done();
    },
  });
  const stopped = new AbortController();
  // A history would give secrets away at the arrow keys.
  const lines = createInterface({ input: terminal.input, output: shown, terminal: true, historySize: 0 });
  lines.on('SIGINT', () => stopped.abort());
  lines.on('close', () => stopped.abort());
  const question = async (prompt: string) => {
    try {
      return (await lines.question(prompt, { signal: stopped.signal })).trim();
    } catch (thrown) {
      if (!stopped.signal.aborted) throw thrown;
      terminal.output.write('\n');
      throw new OperationError('stopped by you; nothing was written');
    }
  };
  const person: Person = {
    say: (text) => void terminal.output.write(`${wrappedLines(text, columns)}\n`),
    ask: question,
    async askHidden(prompt) {
      terminal.output.write(prompt);
      hidden = true;
      try {
        return await question('');
      } finally {
        hidden = false;
        terminal.output.write('\n');
      }
    },
    async confirm(text, fallback) {
      for (;;) {
        const answer = (await question(`${text} ${fallback ? '[Y/n]' : '[y/N]'} `)).toLowerCase();
        if (answer === '') return fallback;
        if (/^(y|yes|n|no)$/.test(answer)) return answer.startsWith('y');
        person.say('  y or n, please');
      }
    },
  };
  try {
    return await work(person);
  } finally {
    lines.close();
  }
}
