import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { renderReport } from '../../jobs/report.ts';
import { focused, inBrowser, noBrowser, seriousFaults, sidewaysPixels, tabTo, unfold } from '../browser.ts';
import {
  hiddenAtTheRight,
  inAuditedFebruary,
  isOnFirstScreen,
  lost,
  opened,
  phone,
  schemes,
} from './browser-page.ts';
import { reportOf } from './world.ts';

const desk = { viewport: { width: 1280, height: 900 } };
/** A4 within its margins, in CSS pixels. */
const paper = { viewport: { width: 718, height: 1000 } };

async function testOnScreen(t: TestContext, browser: Browser, html: string): Promise<void> {
  await t.test('shows the four lost second rounds and their cause on the first screen of a phone', () =>
    opened(browser, { html, ...phone }, async (page) => {
      for (const id of lost) {
        const item = page.getByRole('listitem').filter({ hasText: `round ${id}` });
        assert.match(
          await item.innerText(),
          /^\S+ R2 \d\d:\d\d:\d\d, round \d+, match .*, incident \d+, packet packets\//s,
        );
        assert.ok(await isOnFirstScreen(item), `round ${id} is below the first screen`);
      }
      const cause = page.getByText('bad argument #9').first();
      assert.match(await cause.innerText(), /the module crashed \(module_crashed\)/);
      assert.ok(await isOnFirstScreen(cause));
      const group = page.getByRole('heading', { name: 'lost 4 rounds of session 89 on 2026-02-16' });
      assert.ok(await isOnFirstScreen(group));
      assert.ok(await isOnFirstScreen(page.getByRole('heading', { level: 1 })));
    }),
  );

  await t.test('shows state and cause of every round on a phone without scrolling sideways', () =>
    opened(browser, { html, ...phone }, async (page) => {
      const table = page.getByRole('table', { name: 'Rounds of session 89 on 2026-02-16' });
      const states = table.locator('td.why');
      assert.deepEqual(await hiddenAtTheRight(states), []);
      const lostOnes = (await states.allInnerTexts()).filter((text) => text === 'lost the module crashed');
      assert.equal(lostOnes.length, lost.length);
      assert.deepEqual(await hiddenAtTheRight(page.locator('td.n:visible')), []);
    }),
  );

  for (const size of [desk, phone])
    for (const colorScheme of schemes)
      await t.test(`has no serious fault for any reader at ${size.viewport.width} px, ${colorScheme}`, () =>
        opened(browser, { html, ...size, colorScheme }, async (page) => {
          assert.equal(await page.locator('h1').count(), 1);
          assert.equal(await sidewaysPixels(page), 0);
          await unfold(page);
          assert.equal(await sidewaysPixels(page), 0, 'with everything unfolded');
          assert.deepEqual(await seriousFaults(page), []);
        }),
      );

  await t.test('loses nothing without its pictures: they stand there as sentences and as numbers, too', () =>
    opened(browser, { html, ...phone }, async (page) => {
      await page.addStyleTag({ content: 'svg, img { display: none !important; }' });
      await unfold(page);
      const text = await page.locator('main').innerText();
      assert.match(text, /Lost on 02-04 \(1\), 02-06 \(11\), 02-11 \(6\), 02-16 \(4\)\./);
      assert.match(text, /Live coverage of first rounds \(R1\) and second rounds \(R2\) by day/);
      assert.match(text, /2026-02-16\s+6 of 6\s+2 of 6\s+4\s+4\s+9856, 9865, 9868, 9871/);
    }),
  );

  await t.test('lets a keyboard skip to the exceptions, unfold the proof, and scroll what is wide', () =>
    opened(browser, { html, ...phone }, async (page) => {
      await page.keyboard.press('Tab');
      assert.equal(await focused(page).innerText(), 'Skip to the exceptions');
      assert.ok(await isOnFirstScreen(focused(page)));
      // The browser says a little later that it is there, although nothing is loaded.
      await Promise.all([page.waitForURL(/#exceptions$/), page.keyboard.press('Enter')]);
      assert.match(page.url(), /#exceptions$/);
      await tabTo(page, /^Log lines that prove it/, 1);
      await page.keyboard.press('Enter');
      await page.getByText('[stats_discord_webhook] Round ended at 1771273467').first().waitFor();
      await tabTo(page, /^Rounds of session 89/, 3);
      await page.keyboard.press('ArrowRight');
      await page.waitForFunction('document.activeElement.scrollLeft > 0');
    }),
  );
}

const colorsOf = (page: Page) =>
  page.evaluate<string[]>(
    '(({ color, backgroundColor }) => [color, backgroundColor])(getComputedStyle(document.body))',
  );

/** The names of the tables of which a part would not be on the paper. */
const cutOff = (page: Page) =>
  page
    .locator('.wide')
    .evaluateAll((frames) =>
      frames
        .filter((frame) => frame.scrollWidth > frame.clientWidth)
        .map((frame) => frame.getAttribute('aria-label')),
    );

async function testOnPaper(t: TestContext, browser: Browser, html: string): Promise<void> {
  await t.test('is printed to a few pages', () =>
    opened(browser, { html, ...desk }, async (page) => {
      const pdf = (await page.pdf({ format: 'A4' })).toString('latin1');
      assert.ok(pdf.startsWith('%PDF-'));
      const pages = [...pdf.matchAll(/\/Type\s*\/Page\b/g)].length;
      assert.ok(pages > 0 && pages < 12, `${pages} pages`);
    }),
  );

  await t.test('is dark on white, unfolded, and cut off nowhere, whatever the screen shows', () =>
    opened(browser, { html, ...paper, colorScheme: 'dark' }, async (page) => {
      const proof = page.locator('details pre').first();
      assert.equal(await proof.isVisible(), false);
      await page.emulateMedia({ media: 'print' });
      assert.equal(await proof.isVisible(), true);
      assert.deepEqual(await colorsOf(page), ['rgb(28, 33, 39)', 'rgb(255, 255, 255)']);
      assert.deepEqual(await cutOff(page), []);
    }),
  );
}

it('The report of 2026-02-16 as a file, in a browser', { skip: noBrowser }, (t) =>
  inAuditedFebruary(async (world) => {
    const html = await renderReport(await reportOf(world, { day: '2026-02-16' }), 'html');
    await inBrowser(async (browser) => {
      await testOnScreen(t, browser, html);
      await testOnPaper(t, browser, html);
    });
  }),
);

// Of all that a report holds, the hashes of repairs are the widest.
it('The report of a day with repairs, on paper', { skip: noBrowser }, (t) =>
  inAuditedFebruary(async (world) => {
    const html = await renderReport(await reportOf(world, { day: '2026-02-11' }), 'html');
    await inBrowser((browser) => testOnPaper(t, browser, html));
  }),
);
