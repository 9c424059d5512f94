import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { renderReport } from '../../jobs/report.ts';
import { formats } from '../../reports/format.ts';
import { type Report, reportSchema } from '../../reports/model.ts';
import { forEachDatabase } from '../databases.ts';
import { inWorld } from '../jobs/setup.ts';
import { comparableReport, incidentBeginning, reportOf, theMorningAfter } from './world.ts';

/** `UPDATE_GOLDEN=1` writes what is there now; look at the difference before you commit it. */
const updating = process.env.UPDATE_GOLDEN === '1';
const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

function assertGolden(path: string, content: string): void {
  if (updating) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  assert.equal(existsSync(path), true, `${path} is not there: UPDATE_GOLDEN=1 writes it`);
  assert.equal(content, readFileSync(path, 'utf8'), `${path} differs: UPDATE_GOLDEN=1 writes it anew`);
}

const days = ['2026-02-11', '2026-02-16'];
const schemaPath = pathOf('../../reports/report.schema.json');

it('The published schema is the one by which reports are made', () => {
  const schema = {
    title: 'A coverage report of Roundwarden',
    ...z.toJSONSchema(reportSchema, { reused: 'ref' }),
  };
  assertGolden(schemaPath, `${JSON.stringify(schema, null, 2)}\n`);
});

forEachDatabase('Golden reports of February', (kind) => {
  it('come out byte for byte, in every format', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      await world.audit({ now: theMorningAfter });
      for (const day of days) {
        const report = comparableReport(await reportOf(world, { day }));
        for (const format of formats)
          assertGolden(pathOf(`../fixtures/reports/${day}.${format}`), await renderReport(report, format));
      }
    }));

  it('fit the published schema, and what does not fit is refused', () =>
    inWorld(kind, incidentBeginning, async (world) => {
      const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
        JSON.parse(readFileSync(schemaPath, 'utf8')) as object,
      );
      const check = (report: unknown) => {
        const valid = validate(JSON.parse(JSON.stringify(report)));
        return { valid, errors: validate.errors };
      };
      assert.deepEqual(check(await reportOf(world, { day: '2026-02-16' })), { valid: true, errors: null });
      await world.audit({ now: theMorningAfter });
      const report: Report = await reportOf(world, { day: '2026-02-16' });
      assert.deepEqual(check(report), { valid: true, errors: null });
      for (const asked of [
        { day: '2026-02-11' },
        { day: '2026-02-15' },
        { session: report.sessions[0]!.session! },
      ])
        assert.deepEqual(check(await reportOf(world, asked)), { valid: true, errors: null });
      assert.equal(check({ ...report, more: 1 }).valid, false);
      assert.equal(check({ ...report, state: 'fine' }).valid, false);
      const { title: _, ...untitled } = report;
      assert.equal(check(untitled).valid, false);
    }));
});
