/** What the end of a prefix is where a line surely has none, and where that cannot be told so simply. */
export const [noPrefix, unclear] = [-1, -2];

/** Where the prefix of a line from `from` to before `to` ends, behind its third sign, counted from `from`. */
export type PrefixEnd = (bytes: Buffer, from: number, to: number) => number;

const [bar, space] = Buffer.from('| ');
const timeLength = '2026-02-16 21:24:31'.length;

/** Looks through the bytes of a line: time, level and logger stand before the first three signs. */
export const prefixEnd: PrefixEnd = (bytes, from, to) => {
  // A time stands before the first of three signs.
  let [at, second] = [Math.min(from + timeLength, to), from];
  for (let bars = 0; bars < 3; at++) {
    if (at === to) return noPrefix;
    if (bytes[at] !== bar) continue;
    bars += 1;
    if (bars === 2) second = at;
  }
  // The name of a logger may hold the sign itself: it does not where the third one follows a name and a space.
  let end = at - 2;
  if (bytes[end] !== space) return unclear;
  while (bytes[end] === space) end -= 1;
  return end === second ? unclear : at - from;
};

/** A prefix that was seen, without its time: where the same bytes stand, a prefix ends at the same place. */
interface Seen {
  end: number;
  /** Its bytes, four by four; the last four may overlap with those before. */
  words: Int32Array;
}

/** Where prefixes of one log differ, as most loggers are set up: in the level, and along the logger's name. */
const [levelAt, nameAt] = [timeLength + 3, timeLength + 14];
/** A line that is shorter has no room for them. */
const shortestLine = nameAt + 12;
const [shortestSeen, longestSeen] = [timeLength + 4, 96];
const slots = 256;
/** Of a log with more prefixes than a program has loggers, no more are remembered than this: that takes its time. */
const mostSeen = 2_000;
/** An odd number whose bits are spread. */
const mixing = 0x9e3779b1;

const mixed = (hash: number, word: number) => Math.imul(hash ^ word, mixing);

function slotOf(view: DataView, from: number): number {
  const level = mixed(view.getInt32(from + levelAt, true), 0);
  const name = mixed(level, view.getInt32(from + nameAt, true));
  const middle = mixed(name, view.getInt32(from + nameAt + 4, true));
  return mixed(middle, view.getInt32(from + nameAt + 8, true)) >>> 24;
}

function isAt({ end, words }: Seen, view: DataView, from: number): boolean {
  const last = words.length - 1;
  for (let word = 0, at = from + timeLength; word < last; word++, at += 4)
    if (view.getInt32(at, true) !== words[word]) return false;
  return view.getInt32(from + end - 4, true) === words[last];
}

function wordsOf(view: DataView, from: number, end: number): Int32Array {
  return Int32Array.from({ length: Math.ceil((end - timeLength) / 4) }, (_, word) =>
    view.getInt32(from + Math.min(timeLength + word * 4, end - 4), true),
  );
}

/** prefixEnd() with a memory: a log has few loggers, and bytes are compared several times as fast as looked through. */
export function prefixEnds(): PrefixEnd {
  const seen: (Seen | undefined)[] = Array.from({ length: slots });
  let [piece, view]: [Buffer | null, DataView] = [null, new DataView(new ArrayBuffer(0))];
  let left = mostSeen;
  return (bytes, from, to) => {
    if (to - from < shortestLine) return prefixEnd(bytes, from, to);
    if (bytes !== piece) {
      piece = bytes;
      view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    const slot = slotOf(view, from);
    const known = seen[slot];
    if (known !== undefined && known.end <= to - from && isAt(known, view, from)) return known.end;
    const end = prefixEnd(bytes, from, to);
    if (left > 0 && end >= shortestSeen && end <= longestSeen) {
      left -= 1;
      seen[slot] = { end, words: wordsOf(view, from, end) };
    }
    return end;
  };
}
