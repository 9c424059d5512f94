/** Where reading of a file has come to: behind the last complete line. */
export interface Place {
  /** Bytes from the beginning (of what a gzipped file holds). */
  position: number;
  /** Complete lines before it. */
  lines: number;
  /** The last bytes before it, by which the file is known again under another name. */
  tail: Buffer;
}

/** So many bytes before the place where reading stopped tell a file from every other. */
export const tailBytes = 1_024;
/** Of a longer line only so much is looked at, and no more is held in memory. */
export const longestLineBytes = 4_096;

export const beginning: Place = { position: 0, lines: 0, tail: Buffer.alloc(0) };

const lineFeed = 10;

/** Whether the line from `from` to before `to` may matter. Where it surely does not, it is counted and not given. */
export type Sieve = (bytes: Buffer, from: number, to: number) => boolean;

/**
 * Splits bytes into lines, whatever pieces they come in; counts lines and bytes from a place on. Nearly every line of
 * a log proves nothing, so a line that stands whole in its piece is first asked about, as bytes. Keeps nothing of a
 * piece: whoever gives it may use its memory again, in another Buffer.
 */
export class LineSplitter {
  /** The line that is not complete yet: its first bytes, its last ones, and how many there are. */
  #head: Buffer[] = [];
  #headBytes = 0;
  #open: Buffer = Buffer.alloc(0);
  #pending = 0;
  #place: Place;
  readonly #onLine: (line: number, text: string) => void;
  readonly #mayMatter: Sieve;

  constructor(place: Place, onLine: (line: number, text: string) => void, mayMatter: Sieve = () => true) {
    this.#place = { ...place };
    this.#onLine = onLine;
    this.#mayMatter = mayMatter;
  }

  /** Behind the last complete line that was seen. */
  get place(): Place {
    return { ...this.#place };
  }

  push(bytes: Buffer): void {
    const first = bytes.indexOf(lineFeed);
    if (first === -1) {
      this.#keep(bytes);
      return;
    }
    let from = 0;
    let feed = first;
    if (this.#pending > 0) {
      this.#keepHead(bytes.subarray(0, first));
      this.#endKept();
      from = first + 1;
      feed = bytes.indexOf(lineFeed, from);
    }
    from = this.#wholeLines(bytes, { from, feed });
    this.#place.position += this.#pending + from;
    this.#remember(this.#open);
    this.#remember(bytes.subarray(0, from));
    this.#open = Buffer.alloc(0);
    this.#pending = 0;
    if (from < bytes.length) this.#keep(bytes.subarray(from));
  }

  /** Gives the lines that end within a piece, the first of them at `feed`; answers with where the rest begins. */
  #wholeLines(bytes: Buffer, { from, feed }: { from: number; feed: number }): number {
    let [begin, end] = [from, feed];
    for (; end !== -1; end = bytes[begin] === lineFeed ? begin : bytes.indexOf(lineFeed, begin)) {
      this.#place.lines += 1;
      if (this.#mayMatter(bytes, begin, end))
        this.#give(bytes.subarray(begin, Math.min(end, begin + longestLineBytes)));
      begin = end + 1;
    }
    return begin;
  }

  #give(line: Buffer): void {
    this.#onLine(this.#place.lines, line.toString('utf8').replace(/\r$/, ''));
  }

  #keepHead(bytes: Buffer): void {
    const kept = bytes.subarray(0, Math.max(0, longestLineBytes - this.#headBytes));
    if (kept.length > 0) this.#head.push(Buffer.from(kept));
    this.#headBytes += kept.length;
  }

  #keep(bytes: Buffer): void {
    this.#keepHead(bytes);
    this.#pending += bytes.length;
    this.#open = lastOf(this.#open, bytes);
  }

  #endKept(): void {
    const line = Buffer.concat(this.#head);
    this.#head = [];
    this.#headBytes = 0;
    this.#place.lines += 1;
    this.#give(line);
  }

  #remember(bytes: Buffer): void {
    this.#place.tail = lastOf(this.#place.tail, bytes);
  }

  /** Takes what is left as a line: of a file that nobody will write to any more. */
  finish(): void {
    if (this.#pending === 0) return;
    this.#remember(this.#open);
    this.#place.position += this.#pending;
    this.#open = Buffer.alloc(0);
    this.#pending = 0;
    this.#endKept();
  }
}

/** A copy of the last bytes of two pieces that follow each other. */
function lastOf(before: Buffer, bytes: Buffer): Buffer {
  if (bytes.length >= tailBytes) return Buffer.from(bytes.subarray(bytes.length - tailBytes));
  return Buffer.concat([before.subarray(Math.max(0, before.length + bytes.length - tailBytes)), bytes]);
}

/** Where a text is next in a piece from `from` on; -1 where it is not. */
type Search = (bytes: Buffer, from: number) => number;

/** A sieve that lets lines through which hold a text anywhere. It looks through each piece once, not line by line. */
export function holding(text: string, search: Search = searchFor(text)): Sieve {
  const { length } = Buffer.from(text);
  let piece: Buffer | null = null;
  let [last, next] = [0, 0];
  return (bytes, from, to) => {
    if (bytes !== piece || from < last || next < from) {
      const found = search(bytes, from);
      piece = bytes;
      next = found === -1 ? Number.POSITIVE_INFINITY : found;
    }
    last = from;
    return next + length <= to;
  };
}

function searchFor(text: string): Search {
  const needle = Buffer.from(text);
  return (bytes, from) => bytes.indexOf(needle, from);
}

/** True where the bytes of a text stand at a place. */
export function standsAt(bytes: Buffer, at: number, text: Buffer): boolean {
  for (let byte = 0; byte < text.length; byte++) if (bytes[at + byte] !== text[byte]) return false;
  return true;
}

/** So many bytes of a piece for each time that its sign is looked at: more of them, and the text is looked for itself. */
const bytesPerSign = 64;

/**
 * The same for a text that ends with a sign which few lines hold: a single byte is found several times as fast as a
 * text. A piece with many of them costs no more than twice what looking for the text costs.
 */
export function holdingBeforeSign(text: string): Sieve {
  const needle = Buffer.from(text);
  const ahead = needle.length - 1;
  const sign = needle[ahead]!;
  const plainly = searchFor(text);
  return holding(text, (bytes, from) => {
    let left = bytes.length / bytesPerSign;
    for (let at = bytes.indexOf(sign, from + ahead); at !== -1; at = bytes.indexOf(sign, at + 1)) {
      if (standsAt(bytes, at - ahead, needle)) return at - ahead;
      left -= 1;
      if (left < 0) return plainly(bytes, at - ahead + 1);
    }
    return -1;
  });
}
