import { createHash, createHmac } from 'node:crypto';

/** A public key of a host. */
export interface HostKey {
  /** Such as `ssh-ed25519`. */
  type: string;
  blob: Buffer;
}

/** What a known_hosts file says of one host. */
export interface HostKeys {
  pinned: HostKey[];
  /** Keys that are never accepted (`@revoked`). */
  revoked: HostKey[];
}

/** A key's fingerprint as OpenSSH prints it. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** The kind that a key's own bytes name; empty where they are no key. */
export function keyType(blob: Buffer): string {
  const length = blob.length < 4 ? 0 : blob.readUInt32BE(0);
  return length > 64 || blob.length < 4 + length ? '' : blob.toString('latin1', 4, 4 + length);
}

/** Compared without a regular expression, which a long pattern could keep busy. */
function matchesPattern(pattern: string, name: string): boolean {
  let [at, star, from] = [0, -1, 0];
  let next = 0;
  while (next < name.length) {
    if (pattern[at] === '*') [star, from] = [at++, next];
    else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[next])) {
      at++;
      next++;
    } else if (star >= 0) [at, next] = [star + 1, ++from];
    else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

function matchesHashed(hashed: string, name: string): boolean {
  const [, , salt = '', hash = ''] = hashed.split('|');
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

/** The first field of a line: patterns, of which none with `!` may match and one without must. */
function matchesHosts(hosts: string, name: string): boolean {
  if (hosts.startsWith('|1|')) return matchesHashed(hosts, name);
  const patterns = hosts.toLowerCase().split(',');
  if (patterns.some((one) => one.startsWith('!') && matchesPattern(one.slice(1), name))) return false;
  return patterns.some((one) => !one.startsWith('!') && matchesPattern(one, name));
}

/**
 * The keys that a known_hosts file pins for a host (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): plain and hashed
 * names, patterns, `[host]:port`, `@revoked`. Certificate authorities pin no key and are passed over.
 */
export function findHostKeys(text: string, { host, port }: { host: string; port: number }): HostKeys {
  const name = port === 22 ? host : `[${host}]:${port}`;
  const keys: HostKeys = { pinned: [], revoked: [] };
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/);
    const marker = fields[0]?.startsWith('@') ? fields.shift() : null;
    const [hosts = '', type = '', encoded = ''] = fields;
    if (hosts.startsWith('#') || (marker !== null && marker !== '@revoked')) continue;
    const blob = Buffer.from(encoded, 'base64');
    if (keyType(blob) !== type || type === '' || !matchesHosts(hosts, name)) continue;
    keys[marker === null ? 'pinned' : 'revoked'].push({ type, blob });
  }
  return keys;
}
