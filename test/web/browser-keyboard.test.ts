import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Page } from 'playwright-core';
import { focused, inBrowser, noBrowser, onPage, tabTo } from '../browser.ts';
import type { World } from '../jobs/setup.ts';
import { inServedFebruary, reviewer, token } from './browser-world.ts';

const sizes = {
  'on a wide screen': { viewport: { width: 1280, height: 900 } },
  'on a narrow screen': { viewport: { width: 360, height: 740 } },
};

const press = (page: Page, key: string) => page.keyboard.press(key);

/** Presses what sends the browser to another page, and waits until it is there. */
async function goBy(page: Page, key: string, where: RegExp): Promise<void> {
  await Promise.all([page.waitForURL(where), press(page, key)]);
}

/** Takes the skip link of the page, so that the next Tab is the first of its content. */
async function skip(page: Page): Promise<void> {
  await tabTo(page, /^Skip to the content$/, 1);
  // The browser says a little later that it is there, although nothing is loaded.
  await goBy(page, 'Enter', /#content$/);
  assert.match(page.url(), /#content$/);
  assert.equal(await focused(page).getAttribute('id'), 'content');
}

async function logInByKeys(page: Page): Promise<void> {
  assert.deepEqual(await tabTo(page, /^Who are you/, 3), [
    'Skip to the content',
    'Roundwarden',
    'Who are you?',
  ]);
  await page.keyboard.type(reviewer);
  await tabTo(page, /^Token$/, 1);
  await page.keyboard.type(token);
  await tabTo(page, /^Log in$/, 1);
  await tabTo(page, /^Token$/, 1, 'Shift+Tab');
  await goBy(page, 'Enter', /\/$/);
}

const navigation = [
  'Skip to the content',
  'Roundwarden',
  'Overview',
  'Incidents',
  'Reports',
  'Ledger',
  'Log out',
];

async function filterByKeys(page: Page): Promise<void> {
  await skip(page);
  await tabTo(page, /^Status/, 1);
  await tabTo(page, /^Verdict/, 1);
  await page.keyboard.type('lost');
  assert.equal(await page.getByLabel('Verdict').inputValue(), 'lost');
  await tabTo(page, /^Cause/, 1);
  await press(page, 'ArrowDown');
  assert.equal(await page.getByLabel('Cause').inputValue(), 'module_crashed');
  await tabTo(page, /^Map contains/, 1);
  await page.keyboard.type('adlernest');
  await goBy(page, 'Enter', /verdict=lost.*map=adlernest/);
}

/** Opens the newest incident of the list. */
async function openIncident(page: Page, id: number): Promise<void> {
  await skip(page);
  await tabTo(page, /^etl_adlernest R2/, 16);
  assert.equal(await focused(page).getAttribute('href'), `/incidents/${id}`);
  await goBy(page, 'Enter', new RegExp(`/incidents/${id}$`));
}

async function excuseByKeys(page: Page): Promise<void> {
  await skip(page);
  await tabTo(page, /^Reason$/, 9);
  await page.keyboard.type('the server was being moved');
  await tabTo(page, /^Excuse$/, 1);
  await goBy(page, 'Space', /\?done=excuse$/);
  assert.match(await page.getByRole('status').innerText(), /^Excused/);
}

async function excuse9856(page: Page, of: { world: World; url: string }): Promise<void> {
  const { world, url } = of;
  const { id } = await world.incident(9856);
  await page.goto(url);
  await logInByKeys(page);
  assert.deepEqual(await tabTo(page, /^Log out$/, 8), navigation);
  await tabTo(page, /^Incidents$/, 8, 'Shift+Tab');
  await goBy(page, 'Enter', /\/incidents$/);
  await filterByKeys(page);
  await openIncident(page, id);
  await excuseByKeys(page);
  const entry = (await world.entries()).at(-1)!;
  assert.deepEqual(
    [entry.kind, entry.key, entry.body],
    [
      'incident.excused',
      (await world.incident(9856)).key,
      { by: reviewer, reason: 'the server was being moved' },
    ],
  );
}

for (const [where, size] of Object.entries(sizes))
  it(`By keyboard alone somebody logs in and excuses a lost round, ${where}`, { skip: noBrowser }, () =>
    inServedFebruary((world, url) =>
      inBrowser((browser) => onPage(browser, size, ({ page }) => excuse9856(page, { world, url }))),
    ),
  );
