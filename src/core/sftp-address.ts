/** A directory on another host that is read over SFTP. */
export interface SftpAddress {
  user: string;
  host: string;
  port: number;
  /** Absolute, on that host, without a slash at its end. */
  path: string;
  /** One spelling for one directory, without secrets: the name of the place. */
  name: string;
}

const pattern =
  /^sftp:\/\/(?:([^@/]*)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9.])?)(?::(\d{1,5}))?(\/.*)$/i;
const example = 'expected sftp://USER@HOST/PATH, or sftp://USER@HOST:PORT/PATH';

/** True for a place on another host, well written or not. */
export function isSftp(path: string): boolean {
  return /^sftp:/i.test(path);
}

function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path.toWellFormed());
  } catch {
    return null;
  }
}

/**
 * Reads `sftp://USER@HOST[:PORT]/PATH`, the path percent-encoded as in every URL. Where it is none, `problem`
 * says why and what to write instead, and repeats nothing of a password.
 */
export function parseSftpAddress(text: string): SftpAddress | { problem: string } {
  const found = pattern.exec(text);
  if (found === null) return { problem: example };
  const [, user = '', host = '', port = '22', rawPath = ''] = found;
  if (user.includes(':')) return { problem: 'it holds a password; SFTP_KEY is the only way in' };
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/.test(user)) return { problem: example };
  if (Number(port) < 1 || Number(port) > 65_535) return { problem: 'its port is not from 1 to 65535' };
  if (/[*?[\]{}]/.test(rawPath))
    return { problem: 'a glob is not looked for on another host; name each directory' };
  const path = decoded(rawPath)?.replace(/(?<=.)\/+$/, '') ?? null;
  if (path === null || /\p{Cc}/u.test(path)) return { problem: example };
  const where = host.toLowerCase();
  const shownPort = Number(port) === 22 ? '' : `:${Number(port)}`;
  return {
    user,
    host: where.replace(/^\[|\]$/g, ''),
    port: Number(port),
    path,
    name: `sftp://${user}@${where}${shownPort}${encodeURI(path)}`,
  };
}
