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

/** The last part of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
