import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Files of a certificate authority, and of one server that it vouches for: 127.0.0.1 and localhost. */
export interface Certificates {
  caFile: string;
  keyFile: string;
  certFile: string;
  ca: string;
  key: string;
  cert: string;
}

/** The reason to skip a test that makes certificates, or false. */
export const skipWithoutOpenssl =
  spawnSync('openssl', ['version']).status !== 0 && 'needs the program openssl';

function openssl(cwd: string, ...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr}`);
}

/** Makes certificates that live as long as `work`. */
export async function withCertificates<T>(work: (certificates: Certificates) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-tls-'));
  const path = (name: string) => join(directory, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    writeFileSync(path('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    const authority = [
      '-x509',
      '-days',
      '2',
      '-subj',
      '/CN=Authority of a test',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
    ];
    openssl(directory, 'req', ...newKey, ...authority);
    openssl(
      directory,
      'req',
      ...newKey,
      '-subj',
      '/CN=localhost',
      '-keyout',
      'server.key',
      '-out',
      'server.csr',
    );
    const signed = [
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      'names',
    ];
    openssl(directory, 'x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.pem');
    const [caFile, keyFile, certFile] = [path('ca.pem'), path('server.key'), path('server.pem')];
    const read = (file: string) => readFileSync(file, 'utf8');
    return await work({
      caFile,
      keyFile,
      certFile,
      ca: read(caFile),
      key: read(keyFile),
      cert: read(certFile),
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
