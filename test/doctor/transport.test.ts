import assert from 'node:assert/strict';
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { judgeTransport } from '../../jobs/doctor-transport.ts';
import { isEncrypted } from '../../src/database-rights.ts';
import { messageOf } from '../../src/errors.ts';
import { skipWithoutOpenssl, withCertificates } from '../certificates.ts';
import { giveToServer, skipWithoutCluster, withCluster } from '../cluster.ts';
import { using } from '../failure/scene.ts';

const setting = 'SOURCE_DATABASE_URL';

describe('the way to a database', () => {
  for (const [what, of, state] of [
    ['on this host is nobody else’s', { host: '127.0.0.1', mode: null, encrypted: false }, null],
    ['by a socket is nobody else’s', { host: '', mode: null, encrypted: false }, null],
    ['in the clear is a warning', { host: 'db.example.org', mode: null, encrypted: false }, 'warning'],
    ['to whoever answers is a warning', { host: '10.0.0.7', mode: 'no-verify', encrypted: true }, 'warning'],
    ['with a checked certificate is well', { host: '10.0.0.7', mode: 'verify-full', encrypted: true }, 'ok'],
  ] as const)
    test(what, () => {
      const check = judgeTransport('source', { setting, ...of });
      assert.equal(check?.state ?? null, state);
      if (state === 'warning') assert.match(check!.mend!, /SOURCE_DATABASE_URL .*sslmode=verify-full/);
    });
});

describe('a PostgreSQL server with a certificate', { skip: skipWithoutOpenssl || skipWithoutCluster }, () => {
  const access = ['hostssl all all 127.0.0.1/32 trust'];

  test('is spoken to in secret where its authority is known, and refused otherwise', async () => {
    await withCertificates(async ({ certFile, keyFile, caFile }) =>
      withCertificates(async ({ caFile: strangersFile }) =>
        withCluster({}, async ({ url }) => {
          await using(url, async (database) => assert.equal(await isEncrypted(database), false));
          const answer = async (query: string, address = url) => {
            try {
              return await using(`${address}${query}`, async (database) =>
                String(await isEncrypted(database)),
              );
            } catch (thrown) {
              return messageOf(thrown);
            }
          };
          assert.match(await answer('?sslmode=verify-full'), /does not support SSL/);

          const settings = (directory: string) => {
            const [cert, key] = [join(directory, 'server.pem'), join(directory, 'server.key')];
            copyFileSync(certFile, cert);
            copyFileSync(keyFile, key);
            chmodSync(key, 0o600);
            for (const path of [cert, key]) giveToServer(path);
            return ['ssl = on', `ssl_cert_file = '${cert}'`, `ssl_key_file = '${key}'`];
          };
          await withCluster({ settings, access }, async (encrypting) => {
            const { url: secret } = encrypting;
            const byName = secret.replace('127.0.0.1', 'localhost');
            assert.equal(await answer(`?sslmode=verify-full&sslrootcert=${caFile}`, secret), 'true');
            assert.equal(await answer(`?sslmode=verify-full&sslrootcert=${caFile}`, byName), 'true');
            assert.equal(await answer('?sslmode=no-verify', secret), 'true');
            for (const refused of [
              `?sslmode=verify-full&sslrootcert=${strangersFile}`,
              '?sslmode=verify-full',
              '?sslmode=require',
            ])
              assert.match(
                await answer(refused, secret),
                /self-signed|unable to (get|verify)|certificate/,
                refused,
              );
            assert.match(await answer('', secret), /no encryption|pg_hba/);
          });
        }),
      ),
    );
  });
});
