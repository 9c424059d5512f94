import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isLoopback } from '../../src/core/loopback.ts';

describe('A loopback address', () => {
  for (const [host, is] of [
    ['127.0.0.1', true],
    ['127.255.0.9', true],
    ['localhost', true],
    ['LOCALHOST', true],
    ['::1', true],
    ['0:0:0:0:0:0:0:1', true],
    ['[::1]', true],
    ['127.0.0.256', false],
    ['', false],
    ['0.0.0.0', false],
    ['::', false],
    ['128.0.0.1', false],
    ['10.0.0.1', false],
    ['127.1', false],
    ['localhost.example.org', false],
    ['::2', false],
  ] as const)
    it(`${is ? 'is' : 'is not'} ${host}`, () => assert.equal(isLoopback(host), is));
});
