import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { Browser } from 'playwright-core';
import { r2Chart, roundsChart } from '../../reports/charts.ts';
import { reportMail } from '../../reports/mail.ts';
import type { MailBody } from '../../src/core/message.ts';
import { inBrowser, noBrowser, onPage, seriousFaults, sidewaysPixels } from '../browser.ts';
import {
  hiddenAtTheRight,
  inAuditedFebruary,
  isOnFirstScreen,
  lost,
  opened,
  phone,
  schemes,
  withoutQueries,
} from './browser-page.ts';
import { reportOf } from './world.ts';

const mailProgram = { viewport: { width: 600, height: 800 } };

/** The mail's page as a mail program shows it: each picture from the part that the page names. */
function withPictures({ html, attachments }: MailBody): string {
  return attachments.reduce(
    (page, { contentId, type, content }) =>
      contentId === null ? page : page.replaceAll(`cid:${contentId}`, `data:${type};base64,${content}`),
    html,
  );
}

async function testMail(t: TestContext, browser: Browser, mail: MailBody): Promise<void> {
  const html = withPictures(mail);

  for (const colorScheme of schemes)
    await t.test(`shows its pictures, and is not wider than its window, ${colorScheme}`, () =>
      opened(browser, { html, ...mailProgram, colorScheme }, async (page) => {
        assert.doesNotMatch(html, /cid:|<script|<svg/);
        const widths = await page.evaluate<number[]>(
          "[...document.querySelectorAll('img')].map(({ naturalWidth }) => naturalWidth)",
        );
        assert.equal(widths.length, 2);
        for (const width of widths) assert.ok(width > 600, `${width} px`);
        assert.equal(await sidewaysPixels(page), 0);
        assert.deepEqual(await seriousFaults(page), []);
      }),
    );

  await t.test('says what its pictures show where a mail program does not load them', () =>
    onPage(browser, mailProgram, async ({ page }) => {
      await page.setContent(mail.html.replaceAll(/src="cid:[^"]*"/g, 'src=""'));
      assert.equal(await page.getByRole('img', { name: /^Rounds by day from .*Lost on/ }).count(), 1);
      assert.equal(await page.getByRole('img', { name: /^Live coverage of first rounds/ }).count(), 1);
      assert.equal(await sidewaysPixels(page), 0);
    }),
  );

  await t.test('shows state and cause on a phone, too, where a mail program knows no media queries', () =>
    opened(browser, { html: withoutQueries(html), ...phone }, async (page) => {
      assert.equal(await sidewaysPixels(page), 0);
      assert.deepEqual(await hiddenAtTheRight(page.locator('td.why')), []);
      assert.deepEqual(await hiddenAtTheRight(page.locator('.rounds li')), []);
    }),
  );

  await t.test('has the four lost rounds on the first screen of a phone', () =>
    opened(browser, { html, ...phone }, async (page) => {
      for (const id of lost) {
        const item = page.getByRole('listitem').filter({ hasText: `round ${id}` });
        assert.ok(await isOnFirstScreen(item), `round ${id} is below the first screen`);
      }
      assert.equal(await sidewaysPixels(page), 0);
    }),
  );
}

it('The mail of the report of 2026-02-16, in a browser', { skip: noBrowser }, (t) =>
  inAuditedFebruary(async (world) => {
    const report = await reportOf(world, { day: '2026-02-16' });
    const charts = [roundsChart(report.series, 'mail'), r2Chart(report.series, 'mail')];
    const mail = await reportMail(report, { charts, name: '2026-02-16' });
    await inBrowser((browser) => testMail(t, browser, mail));
  }),
);
