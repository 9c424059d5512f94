/** Colour codes of the engine: `^` and one letter or digit (DOMAIN, section 3). */
const colourCode = /\^[0-9A-Za-z]/g;

/** The spelling under which maps are compared: colour codes stripped, trimmed, lower case. */
export function normaliseMap(map: string | null): string {
  return (map ?? '').replace(colourCode, '').trim().toLowerCase();
}

/**
 * The map as the module spells it in a file name: every byte outside letters, digits, `_` and `-`
 * became `_` (DOMAIN, section 3). Lower case, because it is only ever compared.
 */
export function safeMap(map: string): string {
  let safe = '';
  for (const byte of new TextEncoder().encode(map)) {
    const character = String.fromCharCode(byte);
    safe += /[A-Za-z0-9_-]/.test(character) ? character : '_';
  }
  return safe.toLowerCase();
}

/** The number of a capture or an artifact, where 0 means 2. Never to be used on `rounds`. */
export function candidateNumber(number: number | null): 1 | 2 | null {
  if (number === 1) return 1;
  return number === 0 || number === 2 ? 2 : null;
}

/** What the name of a file in an artifact place says. */
export interface ArtifactName {
  /** The map as the module spelled it for the file system, lower case. */
  safeMap: string;
  number: 1 | 2;
  endUnix: number;
  /** False for `.json.part` and its like: a file that somebody has not finished writing. */
  finished: boolean;
}

/** Map names contain `-` and digits, so the name is matched from the right. */
const artifactPattern = /^\.?gametime-(.+)-R([012])-(\d{1,12})\.json(\.[A-Za-z0-9_-]+)?$/;

/** Reads `gametime-<safe map>-R<number>-<end unix>.json`; null for every other name. */
export function parseArtifactName(fileName: string): ArtifactName | null {
  const found = artifactPattern.exec(fileName);
  if (!found) return null;
  const finished = found[4] === undefined;
  if (finished && fileName.startsWith('.')) return null;
  return {
    safeMap: found[1]!.toLowerCase(),
    number: candidateNumber(Number(found[2]))!,
    endUnix: Number(found[3]),
    finished,
  };
}

const beginning = 'gametime-';
const ending = '.json';
const mostDigits = 12;
const [digit0, digit2, digit9, dash, letterR, space, tilde] = [0x30, 0x32, 0x39, 0x2d, 0x52, 0x20, 0x7e];

/**
 * The end in a finished artifact's name, without taking it apart: what a listing of many names costs. -1 where the name
 * is none, or one that only `parseArtifactName` can judge.
 */
export function plainArtifactEnd(name: string): number {
  if (!name.startsWith(beginning) || !name.endsWith(ending)) return -1;
  let at = name.length - ending.length;
  let end = 0;
  let unit = 1;
  for (const last = at; at > last - mostDigits; unit *= 10) {
    const digit = name.charCodeAt(at - 1);
    if (digit < digit0 || digit > digit9) break;
    end += unit * (digit - digit0);
    at--;
  }
  // `-R1-` stands before the digits, and a map before that.
  const number = name.charCodeAt(at - 2);
  const isPlain =
    unit > 1 &&
    name.charCodeAt(at - 1) === dash &&
    number >= digit0 &&
    number <= digit2 &&
    name.charCodeAt(at - 3) === letterR &&
    name.charCodeAt(at - 4) === dash &&
    at - 4 > beginning.length;
  if (!isPlain) return -1;
  for (let map = beginning.length; map < at - 4; map++) {
    const character = name.charCodeAt(map);
    if (character < space || character > tilde) return -1;
  }
  return end;
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
