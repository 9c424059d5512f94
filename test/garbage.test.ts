import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { cachedDataVersionTag } from 'node:v8';
import { collectGarbage } from '../src/garbage.ts';

test('collectGarbage() frees what nothing refers to, and leaves V8 as it was', async () => {
  const version = cachedDataVersionTag();
  const kept = { text: 'kept' };
  const refs = [new WeakRef(kept), new WeakRef({ text: 'garbage' })];
  // What a reference was made to stays until the present turn ends.
  await setImmediate();
  collectGarbage();
  const left = refs.map((ref) => ref.deref()?.text);
  assert.deepEqual(left, [kept.text, undefined]);
  assert.equal(cachedDataVersionTag(), version);
  assert.equal('gc' in globalThis, false);
});
