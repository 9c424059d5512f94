import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type Attributes, type Connection, type SFTPWrapper } from 'ssh2';
import type { SftpSettings } from '../../src/config.ts';

const { Server, utils } = ssh2;
const { STATUS_CODE } = utils.sftp;

/** What the server pretends. */
export interface Pretence {
  /** The names of each answer to a listing; null ends it. */
  names: (answer: number) => string[] | null;
  attributes?: Partial<Attributes>;
  bytes?: Uint8Array;
}

/** A server that speaks SFTP and says what no file system can: for names with slashes, and lists without end. */
export interface HostileServer {
  at(path: string): string;
  access: SftpSettings;
  /** Every path that was asked for. */
  asked: string[];
  close(): Promise<void>;
}

const file = { mode: 0o100644, uid: 0, gid: 0, size: 5, atime: 1, mtime: 1 };

function serve(sftp: SFTPWrapper, pretence: Pretence, asked: string[]): void {
  const attributes = { ...file, ...pretence.attributes };
  let answers = 0;
  let sent = 0;
  sftp.on('OPENDIR', (id, path) => {
    asked.push(path);
    sftp.handle(id, Buffer.from('directory'));
  });
  sftp.on('READDIR', (id) => {
    const names = pretence.names(answers++);
    if (names === null) return void sftp.status(id, STATUS_CODE.EOF);
    sftp.name(
      id,
      names.map((filename) => ({ filename, longname: filename, attrs: attributes })),
    );
  });
  sftp.on('OPEN', (id, path) => {
    asked.push(path);
    sent = 0;
    sftp.handle(id, Buffer.from('file'));
  });
  sftp.on('FSTAT', (id) => sftp.attrs(id, attributes));
  sftp.on('READ', (id) => {
    const bytes = pretence.bytes ?? Buffer.from('hello');
    if (sent++ > 0) sftp.status(id, STATUS_CODE.EOF);
    else sftp.data(id, Buffer.from(bytes));
  });
  sftp.on('CLOSE', (id) => sftp.status(id, STATUS_CODE.OK));
}

export async function startHostileServer(pretence: Pretence): Promise<HostileServer> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-hostile-'));
  const keyPath = join(directory, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', keyPath]);
  const asked: string[] = [];
  const open = new Set<Connection>();
  const server = new Server({ hostKeys: [readFileSync(keyPath)] }, (connection) => {
    open.add(connection);
    connection.on('error', () => undefined);
    connection.on('close', () => open.delete(connection));
    connection.on('authentication', (asking) => asking.accept());
    connection.on('session', (accept) => {
      accept().on('sftp', (acceptSftp) => serve(acceptSftp(), pretence, asked));
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const knownHostsPath = join(directory, 'known_hosts');
  writeFileSync(knownHostsPath, `[127.0.0.1]:${port} ${readFileSync(`${keyPath}.pub`, 'utf8')}`);
  return {
    at: (path) => `sftp://eve@127.0.0.1:${port}${path}`,
    access: { keyPath, passphrase: null, knownHostsPath },
    asked,
    async close() {
      for (const connection of open) connection.end();
      await new Promise<void>((closed) => server.close(() => closed()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
