import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import ssh2, { type Client, type FileEntry, type SFTPWrapper, type Stats } from 'ssh2';
import type { SftpSettings } from '../config.ts';
import type { SftpAddress } from '../core/sftp-address.ts';
import { codeOf, messageOf, plainError } from '../errors.ts';
import type { FileRead } from './file.ts';
import { findHostKeys, fingerprintOf, type HostKey, type HostKeys, keyType } from './known-hosts.ts';

/** Nothing waits longer, and nothing is larger. */
export interface SftpLimits {
  connectMs: number;
  /** For one answer of the server. */
  answerMs: number;
  /** For everything that one run asks of one server. */
  visitMs: number;
  /** So many names of one directory are taken. */
  mostNames: number;
}

export const sftpLimits: SftpLimits = {
  connectMs: 10_000,
  answerMs: 10_000,
  visitMs: 120_000,
  mostNames: 100_000,
};

/** A server or a directory that cannot be read: the message is a clause with the cause and the mend. */
export class Unreachable extends Error {
  override name = 'Unreachable';
}

/** A name in a directory of another host. What the server did not say is null. */
export interface RemoteEntry {
  name: string;
  size: number | null;
  modifiedUnix: number | null;
  /** What it is where it is not a regular file, or null. */
  otherKind: string | null;
}

/** What stands in the attributes of a file, as the server gave them. */
type Attributes = Partial<Pick<Stats, 'mode' | 'size' | 'mtime'>>;

const statusGone = 2;
const statusDenied = 3;
const chunkBytes = 32_768;

/** The kinds of host key that are accepted, with the signatures that prove each; SHA-1 proves none. */
const signatures = new Map([
  ['ssh-ed25519', ['ssh-ed25519']],
  ['ecdsa-sha2-nistp256', ['ecdsa-sha2-nistp256']],
  ['ecdsa-sha2-nistp384', ['ecdsa-sha2-nistp384']],
  ['ecdsa-sha2-nistp521', ['ecdsa-sha2-nistp521']],
  ['ssh-rsa', ['rsa-sha2-512', 'rsa-sha2-256']],
]);

const kinds = new Map([
  [0o120000, 'it is a symbolic link'],
  [0o040000, 'it is a directory'],
  [0o010000, 'it is a named pipe'],
  [0o140000, 'it is a socket'],
]);

function otherKind({ mode }: Attributes): string | null {
  const kind = (mode ?? 0o100000) & 0o170000;
  return kind === 0o100000 ? null : (kinds.get(kind) ?? 'it is a device');
}

function toEntry({ filename, attrs }: FileEntry): RemoteEntry {
  const { size, mtime }: Attributes = attrs;
  return { name: filename, size: size ?? null, modifiedUnix: mtime ?? null, otherKind: otherKind(attrs) };
}

const hostAndPort = ({ host, port }: SftpAddress) => `${host} port ${port}`;

/** How a person looks at a server's keys before pinning them. */
function scanOf({ host, port }: SftpAddress): string {
  return `ssh-keyscan ${port === 22 ? '' : `-p ${port} `}${host}`;
}

async function readPrivateKey({ keyPath, passphrase }: SftpSettings) {
  const text = await readFile(keyPath).catch((thrown: unknown) => {
    throw new Unreachable(`SFTP_KEY ${keyPath} cannot be read: ${plainError(thrown)}; name our private key`);
  });
  const parsed = ssh2.utils.parseKey(text, passphrase ?? undefined);
  if (!(parsed instanceof Error)) return text;
  const mend = /passphrase|decrypt|integrity/i.test(parsed.message)
    ? 'set SFTP_KEY_PASSPHRASE as its passphrase'
    : 'name a private key in a format of OpenSSH';
  throw new Unreachable(`SFTP_KEY ${keyPath} cannot be used: ${parsed.message}; ${mend}`);
}

/** The keys that are pinned for a server. Throws Unreachable where there is none: nothing is trusted at first sight. */
export async function pinnedKeys(
  address: SftpAddress,
  { knownHostsPath }: Pick<SftpSettings, 'knownHostsPath'>,
): Promise<HostKeys> {
  const text = await readFile(knownHostsPath, 'utf8').catch((thrown: unknown) => {
    const why = plainError(thrown);
    throw new Unreachable(`SFTP_KNOWN_HOSTS ${knownHostsPath} cannot be read: ${why}; make it readable`);
  });
  const keys = findHostKeys(text, address);
  if (keys.pinned.some(({ type }) => signatures.has(type))) return keys;
  throw new Unreachable(
    `no host key of ${hostAndPort(address)} is pinned in ${knownHostsPath}; ` +
      `compare \`${scanOf(address)}\` with the fingerprint on the server itself, then add its line`,
  );
}

const shown = ({ type, blob }: HostKey) => `${type} ${fingerprintOf(blob)}`;

/** Why a host key is refused, or null where it is a pinned one. */
function hostKeyFault(
  blob: Buffer,
  keys: HostKeys,
  of: { address: SftpAddress; file: string },
): string | null {
  const same = (key: HostKey) => key.blob.equals(blob);
  const host = hostAndPort(of.address);
  const key = shown({ type: keyType(blob), blob });
  if (keys.revoked.some(same)) return `WRONG HOST KEY: ${host} shows ${key}, which ${of.file} revokes`;
  if (keys.pinned.some(same)) return null;
  return (
    `WRONG HOST KEY: ${host} shows ${key}, but ${of.file} pins ${keys.pinned.map(shown).join(' and ')}; ` +
    `somebody may stand in between, and nothing was asked of it. ` +
    `If the server was given a new key, compare it on the server itself and replace the line`
  );
}

function connectFault(thrown: unknown, address: SftpAddress, access: SftpSettings): string {
  const { level } = thrown as { level?: string };
  const host = hostAndPort(address);
  const code = codeOf(thrown);
  if (code === 'ECONNREFUSED')
    return `${host} refuses the connection; start its SSH server, or correct host and port`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `the name ${address.host} cannot be resolved (${code}); correct it, or mend the name server`;
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'ETIMEDOUT')
    return `${host} cannot be reached (${code}); mend the network, or correct host and port`;
  if (level === 'client-authentication')
    return (
      `${host} lets the user ${address.user} not in with SFTP_KEY ${access.keyPath}; ` +
      `put its public half into the user's authorized_keys there`
    );
  const message = messageOf(thrown);
  if (/no matching (host key|server host key)/i.test(message))
    return (
      `WRONG HOST KEY: ${host} has no key of a kind that is pinned in ${access.knownHostsPath}; ` +
      `compare \`${scanOf(address)}\` with the server itself`
    );
  return `no SFTP session with ${host}: ${message}; try \`sftp\` by hand with the same key`;
}

type Done<T> = (fault: Error | null | undefined, value: T) => void;

/** One connection to one server. Every question has a time in which it is answered; then the connection is cut. */
export class SftpSession {
  /** Why nothing can be asked any more, or null. */
  broken: Unreachable | null = null;
  readonly #wrapper: SFTPWrapper;
  readonly #cut: () => void;
  readonly #limits: SftpLimits;
  readonly #endsAtMs: number;
  readonly #waiting = new Set<(fault: Unreachable) => void>();

  constructor(wrapper: SFTPWrapper, cut: () => void, limits: SftpLimits) {
    this.#wrapper = wrapper;
    this.#cut = cut;
    this.#limits = limits;
    this.#endsAtMs = performance.now() + limits.visitMs;
    const lost = () => this.break('the connection was lost; it is tried again at the next run');
    wrapper.on('error', lost).on('end', lost).on('close', lost);
  }

  /** Ends the session with a reason; whatever waits for an answer gets it. */
  break(why: string): void {
    if (this.broken !== null) return;
    this.broken = new Unreachable(why);
    this.#cut();
    for (const reject of this.#waiting) reject(this.broken);
    this.#waiting.clear();
  }

  /** One question. A status of the server rejects as it is; everything else breaks the session. */
  #ask<T>(question: (done: Done<T>) => unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.broken !== null) return reject(this.broken);
      const { answerMs, visitMs } = this.#limits;
      const left = this.#endsAtMs - performance.now();
      const tooLate = () =>
        this.break(
          left < answerMs
            ? `it took longer than ${visitMs / 1000} s; what was fetched is kept, and the next run goes on`
            : `no answer within ${answerMs / 1000} s; look at the load of the server and at the network`,
        );
      if (left <= 0) {
        tooLate();
        return reject(this.broken);
      }
      const timer = setTimeout(tooLate, Math.min(answerMs, left));
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(fail);
        act();
      };
      const fail = (fault: Unreachable) => settle(() => reject(fault));
      this.#waiting.add(fail);
      try {
        question((fault, value) => {
          if (!fault) return settle(() => resolve(value));
          if (typeof codeOf(fault) === 'number') return settle(() => reject(fault));
          this.break(`the connection was lost (${fault.message}); it is tried again at the next run`);
        });
      } catch (thrown) {
        this.break(`the connection was lost (${messageOf(thrown)}); it is tried again at the next run`);
      }
    });
  }

  /** The names in a directory, not recursively. Throws Unreachable. */
  async list(path: string): Promise<RemoteEntry[]> {
    const entries: RemoteEntry[] = [];
    try {
      const handle = await this.#ask<Buffer>((done) => this.#wrapper.opendir(path, done));
      for (;;) {
        const batch = await this.#batch(handle);
        if (batch === null) break;
        entries.push(...batch.map(toEntry));
        const { mostNames } = this.#limits;
        if (entries.length > mostNames)
          throw new Unreachable(`it holds more than ${mostNames} names; move old files elsewhere`);
      }
      await this.#close(handle);
    } catch (thrown) {
      throw thrown instanceof Unreachable ? thrown : new Unreachable(listFault(thrown));
    }
    return entries;
  }

  /** The next names of a directory, or null at its end. */
  async #batch(handle: Buffer): Promise<FileEntry[] | null> {
    const statusEnd = 1;
    return this.#ask<FileEntry[]>((done) => this.#wrapper.readdir(handle, done as never)).catch(
      (thrown: unknown) => {
        if ((codeOf(thrown) as unknown) === statusEnd) return null;
        throw thrown;
      },
    );
  }

  async #close(handle: Buffer): Promise<void> {
    await this.#ask<void>((done) => this.#wrapper.close(handle, done as never)).catch(() => undefined);
  }

  /**
   * Reads a regular file of at most `limit` bytes whole. One that changes meanwhile is unreadable. Does not
   * throw: a lost connection is unreadable too, and `broken` says so.
   */
  async read(path: string, limit: number): Promise<FileRead> {
    try {
      const handle = await this.#ask<Buffer>((done) => this.#wrapper.open(path, 'r', done));
      try {
        return await this.#readHandle(handle, limit);
      } finally {
        await this.#close(handle);
      }
    } catch (thrown) {
      const status = codeOf(thrown) as unknown;
      if (status === statusGone) return { state: 'gone' };
      return { state: 'unreadable', why: status === statusDenied ? 'permission denied' : messageOf(thrown) };
    }
  }

  async #readHandle(handle: Buffer, limit: number): Promise<FileRead> {
    const facts = () => this.#ask<Stats>((done) => this.#wrapper.fstat(handle, done));
    const before = await facts();
    const kind = otherKind(before);
    if (kind !== null) return { state: 'not a file', why: kind };
    const modified = new Date((before.mtime ?? 0) * 1000);
    if (before.size > limit) return { state: 'too large', size: before.size, modified };
    const chunks: Buffer[] = [];
    let size = 0;
    // One byte more than there should be, so that a file that grows is seen.
    while (size <= before.size) {
      const chunk = await this.#chunk(handle, size, Math.min(chunkBytes, before.size + 1 - size));
      if (chunk.length === 0) break;
      chunks.push(chunk);
      size += chunk.length;
    }
    const after = await facts();
    if (size !== before.size || after.size !== before.size || after.mtime !== before.mtime)
      return { state: 'unreadable', why: 'it changed while it was read' };
    return { state: 'read', bytes: Buffer.concat(chunks), modified };
  }

  #chunk(handle: Buffer, position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    return this.#ask<number>((done) => this.#wrapper.read(handle, buffer, 0, length, position, done)).then(
      (read) => buffer.subarray(0, read),
    );
  }
}

function listFault(thrown: unknown): string {
  const status = codeOf(thrown) as unknown;
  if (status === statusGone) return 'it does not exist on the server, or is no directory; correct its path';
  if (status === statusDenied)
    return 'permission denied; give the user the right to read and enter it on the server';
  return `the server cannot list it (${messageOf(thrown)}); it may be no directory`;
}

/** Shakes hands: the host key first, then ours. Rejects with whatever came first. */
function handshake(
  client: Client,
  socket: Socket,
  of: { address: SftpAddress; access: SftpSettings; key: Buffer; keys: HostKeys },
): Promise<SFTPWrapper> {
  const { address, access, key, keys } = of;
  const hostKeyKinds = [...new Set(keys.pinned.flatMap(({ type }) => signatures.get(type) ?? []))];
  let refused: string | null = null;
  return new Promise((resolve, reject) => {
    const fail = (thrown: unknown) =>
      reject(new Unreachable(refused ?? connectFault(thrown, address, access)));
    client.on('error', fail);
    client.on('close', () => fail(new Error('the server closed the connection')));
    client.on('ready', () => client.sftp((fault, wrapper) => (fault ? fail(fault) : resolve(wrapper))));
    client.connect({
      sock: socket,
      username: address.user,
      privateKey: key,
      passphrase: access.passphrase ?? undefined,
      authHandler: ['publickey'],
      readyTimeout: 0,
      algorithms: { serverHostKey: hostKeyKinds as never },
      hostVerifier: (blob: Buffer) => {
        refused = hostKeyFault(blob, keys, { address, file: access.knownHostsPath });
        return refused === null;
      },
    });
  });
}

async function openSession(
  address: SftpAddress,
  access: SftpSettings,
  limits: SftpLimits,
): Promise<{ session: SftpSession; leave: () => void }> {
  const keys = await pinnedKeys(address, access);
  const key = await readPrivateKey(access);
  const socket = connect({ host: address.host, port: address.port });
  const client = new ssh2.Client();
  // The client destroys no socket that is half closed, so the socket is ours to cut.
  const cut = () => void socket.destroy();
  // An error after the end is nobody's any more, and must not end the process.
  for (const emitter of [client, socket]) emitter.on('error', () => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = `${hostAndPort(address)} did not let us in within ${limits.connectMs / 1000} s; look at the load of the server and at the network`;
    timer = setTimeout(() => reject(new Unreachable(why)), limits.connectMs);
  });
  try {
    const wrapper = await Promise.race([handshake(client, socket, { address, access, key, keys }), late]);
    const leave = () => {
      client.end();
      socket.unref();
      socket.destroySoon();
    };
    return { session: new SftpSession(wrapper, cut, limits), leave };
  } catch (thrown) {
    cut();
    throw thrown instanceof Unreachable ? thrown : new Unreachable(connectFault(thrown, address, access));
  } finally {
    clearTimeout(timer);
  }
}

/** Connects to the server of an address, and lets go of it whatever `work` does. Throws Unreachable. */
export async function withSftp<T>(
  address: SftpAddress,
  { access, limits = sftpLimits }: { access: SftpSettings; limits?: SftpLimits },
  work: (session: SftpSession) => Promise<T>,
): Promise<T> {
  const { session, leave } = await openSession(address, access, limits);
  try {
    return await work(session);
  } finally {
    // Nothing was written there, so no answer is waited for.
    leave();
  }
}
