import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withLedger } from '../../src/context.ts';
import { append } from '../../src/ledger/append.ts';
import { runCommand, using, withScene } from '../failure/scene.ts';
import { assertDocument, inEmptyDirectory } from './said.ts';

describe('with --json a document says what failed, and nothing else is printed:', () => {
  const cases: readonly (readonly string[])[] = [
    ['audit', '--nonsense'],
    ['audit'],
    ['incidents', 'excuse', '1'],
    ['explain', 'x'],
    ['ledger', 'export'],
    ['doctor', '--server', 'alpha'],
  ];
  for (const args of cases)
    test(`${args.join(' ')}`, () =>
      inEmptyDirectory(async (place) => {
        const ended = await runCommand(place, [...args, '--json']);
        assert.equal(ended.code, 2, ended.stderr);
        assertDocument(ended, 2);
      }));

  test('but a text that looks so is none', () =>
    inEmptyDirectory(async (place) => {
      const { code, stdout } = await runCommand(place, ['incidents', 'note', '1', '--', '--json']);
      assert.deepEqual([code, stdout], [2, '']);
    }));

  test('but an export that fails in its middle ends after its last whole line', () =>
    withScene({ source: 'sqlite' }, async (scene) => {
      await withLedger(scene.config, (ledger) =>
        append(
          ledger,
          Array.from({ length: 2_500 }, () => ({ kind: 'test', source: 'scene', key: '', body: {} })),
          '2026-02-14T20:00:00.000Z',
        ),
      );
      await using(scene.config.ledgerUrl, async ({ knex }) => {
        await knex.raw('drop trigger entries_stay_equal');
        // What is no text is no entry.
        await knex.raw(`update entries set body = x'00' where seq = 2400`);
      });
      const { code, stdout } = await runCommand(scene, ['ledger', 'export', '--json']);
      assert.equal(code, 1);
      const lines = stdout.trimEnd().split('\n');
      const numbers = lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
      assert.deepEqual(
        numbers,
        Array.from({ length: 2_000 }, (_, at) => at + 1),
      );
    }));
});
