import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FailureDocument } from '../../jobs/program.ts';
import type { Ended, Environment } from '../failure/scene.ts';

/** An empty working directory with nothing configured. */
export async function inEmptyDirectory<T>(
  work: (place: { directory: string; environment: Environment }) => Promise<T>,
) {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-cli-'));
  try {
    return await work({ directory, environment: {} });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A failure said in full: one message for people, and no stack of a defect; `document` where one was asked for. */
export function assertSaid(
  ended: Ended,
  code: number,
  message: RegExp,
  options: { document?: boolean } = {},
): void {
  assert.equal(ended.code, code, ended.stderr);
  assert.match(ended.stderr, /^roundwarden: /);
  assert.match(ended.stderr, message);
  assert.doesNotMatch(ended.stderr, /\n {4}at /);
  if (options.document) assertDocument(ended, code);
  else assert.equal(ended.stdout, '');
}

/** The only document on standard output is of the failure, and says what people read on standard error. */
export function assertDocument({ stdout, stderr }: Ended, code: number): void {
  const { error, ...rest } = JSON.parse(stdout) as FailureDocument;
  assert.deepEqual([Object.keys(error).sort(), rest, error.exitCode], [['exitCode', 'message'], {}, code]);
  assert.equal(stderr.replace(/^(roundwarden|error): /, '').startsWith(error.message), true, stderr);
}
