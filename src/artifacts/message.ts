import type { Artifact } from '../core/model.ts';
import type { FileRead } from './file.ts';
import { parseMessage } from './parse.ts';
import { sha256Of } from './read.ts';

const messageName = /^[A-Za-z0-9_-]{1,128}\.json(\.[A-Za-z0-9_-]{1,32})?$/;

/** True for a name of the retry buffer, `<id>.json` or unfinished (`.json.part`); an artifact's is none. */
export function isMessageName(name: string): boolean {
  return messageName.test(name) && !name.startsWith('gametime-');
}

/**
 * What was read under a message's name, as an artifact that is `bare`. It is of the round that it names
 * itself; null where not even that can be read.
 */
export function toMessage(
  path: string,
  of: { name: string; read: Extract<FileRead, { state: 'read' }> },
): Artifact | null {
  const { bytes, modified } = of.read;
  const parsed = parseMessage(bytes);
  if (parsed.name === null) return null;
  return {
    path,
    ...parsed.name,
    finished: of.name.endsWith('.json'),
    sha256: sha256Of(bytes),
    bytes: bytes.length,
    modifiedUnix: Math.floor(modified.getTime() / 1000),
    content: 'content' in parsed ? parsed.content : null,
    damage: 'damage' in parsed ? parsed.damage : null,
    unreadable: null,
    bare: true,
  };
}
