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

/** Splits bytes into lines, whatever pieces they come in; counts lines and bytes from a place on. */
export class LineSplitter {
  #head: Buffer[] = [];
  #headBytes = 0;
  #pending = 0;
  #place: Place;
  readonly #onLine: (line: number, text: string) => void;

  constructor(place: Place, onLine: (line: number, text: string) => void) {
    this.#place = { ...place };
    this.#onLine = onLine;
  }

  /** Behind the last complete line that was seen. */
  get place(): Place {
    return { ...this.#place };
  }

  #keep(bytes: Buffer): void {
    const kept = bytes.subarray(0, Math.max(0, longestLineBytes - this.#headBytes));
    if (kept.length > 0) this.#head.push(Buffer.from(kept));
    this.#headBytes += kept.length;
    this.#pending += bytes.length;
  }

  #end(feed: number): void {
    const line = Buffer.concat(this.#head);
    this.#place.position += this.#pending + feed;
    this.#place.lines += 1;
    this.#head = [];
    this.#headBytes = 0;
    this.#pending = 0;
    this.#onLine(this.#place.lines, line.toString('utf8').replace(/\r$/, ''));
  }

  #remember(bytes: Buffer): void {
    const all = bytes.length >= tailBytes ? bytes : Buffer.concat([this.#place.tail, bytes]);
    this.#place.tail = Buffer.from(all.subarray(Math.max(0, all.length - tailBytes)));
  }

  /** The bytes of the line that is not complete yet, for the tail; only its last ones matter. */
  #open: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): void {
    let from = 0;
    for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, from)) {
      this.#keep(bytes.subarray(from, at));
      this.#end(1);
      from = at + 1;
    }
    if (from > 0) {
      this.#remember(this.#open);
      this.#remember(bytes.subarray(0, from));
      this.#open = Buffer.alloc(0);
    }
    const rest = bytes.subarray(from);
    this.#keep(rest);
    const open = Buffer.concat([this.#open, rest]);
    this.#open = Buffer.from(open.subarray(Math.max(0, open.length - tailBytes)));
  }

  /** Takes what is left as a line: of a file that nobody will write to any more. */
  finish(): void {
    if (this.#pending === 0) return;
    this.#remember(this.#open);
    this.#open = Buffer.alloc(0);
    this.#end(0);
  }
}
