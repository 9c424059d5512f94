/** Thrown and caught inside the parser only: why an artifact is not whole, in one short clause. */
export class Damage extends Error {
  override name = 'Damage';
}

/** A foreign text as a message may show it: at most 40 characters, quoted, every odd character escaped. */
export function quoted(text: string): string {
  const shown = text.length > 40 ? `${text.slice(0, 40)}...` : text;
  return JSON.stringify(shown);
}

/** The text as JSON; throws Damage that names `label` where it is none. */
export function parseJson(label: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Damage(`${label} does not parse: ${why.replace(/\p{Cc}/gu, '?').toWellFormed()}`);
  }
}

/** The text as JSON, or undefined where it is none. JSON itself has no undefined. */
export function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
