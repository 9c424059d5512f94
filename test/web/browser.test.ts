import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import { inBrowser, noBrowser, onPage } from '../browser.ts';
import type { World } from '../jobs/setup.ts';
import { formOf, inServedFebruary, logIn, reviewer, token } from './browser-world.ts';

const desk = { viewport: { width: 1280, height: 900 } };

interface Place {
  browser: Browser;
  world: World;
  url: string;
}

const heading = (page: Page) => page.getByRole('heading', { level: 1 }).innerText();

async function fillLogin(page: Page, given: string): Promise<void> {
  await page.getByLabel('Who are you?').fill(reviewer);
  await page.getByLabel('Token').fill(given);
  await page.getByRole('button', { name: 'Log in' }).click();
}

async function testDoor(t: TestContext, { browser, world, url }: Place): Promise<void> {
  const { id } = await world.incident(9856);

  await t.test(
    'a wrong token is refused in words, and the right one leads to the page that was asked for',
    () =>
      onPage(browser, desk, async ({ page }) => {
        await page.goto(`${url}/incidents/${id}`);
        assert.equal(await heading(page), 'Log in');
        assert.doesNotMatch(await page.content(), /adlernest/);
        await fillLogin(page, 'a wrong token of enough letters');
        assert.equal(await page.getByRole('alert').innerText(), 'That is not the token.');
        assert.equal(await page.getByLabel('Who are you?').inputValue(), reviewer);
        assert.equal(await page.getByLabel('Token').inputValue(), '');
        await fillLogin(page, token);
        await page.waitForURL(`${url}/incidents/${id}`);
        assert.match(await heading(page), /^etl_adlernest R2/);
        assert.match(await page.getByRole('banner').innerText(), /Signed in as Ana Novak/);
      }),
  );

  await t.test('after logging out no page is shown, also not by going back', () =>
    onPage(browser, desk, async ({ page }) => {
      await logIn(page, url, '/incidents');
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.waitForURL(`${url}/login`);
      await page.goBack();
      assert.equal(await heading(page), 'Log in');
      await page.goto(`${url}/ledger`);
      assert.equal(await heading(page), 'Log in');
    }),
  );

  await t.test('an incident is excused where scripts are off', () =>
    onPage(browser, { ...desk, javaScriptEnabled: false }, async ({ page }) => {
      await logIn(page, url, `/incidents/${id}`);
      const form = formOf(page, 'Excuse');
      await form.getByLabel('Reason').fill('seen without scripts');
      await form.getByRole('button').click();
      await page.waitForURL(/done=excuse/);
      assert.match(await page.getByRole('status').innerText(), /^Excused/);
      const [entry] = await world.entries('incident.excused');
      assert.deepEqual(entry?.body, { by: reviewer, reason: 'seen without scripts' });
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.waitForURL(`${url}/login`);
      await page.goto(`${url}/incidents/${id}`);
      assert.equal(await heading(page), 'Log in');
    }),
  );
}

/** What a newcomer wants to know of round 9856, as far as they see it without unfolding anything. */
const story = [
  /lost/,
  /module_crashed/,
  /The module crashed/i,
  /bad argument #9 to 'format' \(number has no integer representation\)/,
  /etconsole\.log:512/,
  /No capture and no artifact/,
];

async function testNewcomer(t: TestContext, { browser, world, url }: Place): Promise<void> {
  const ways: Record<string, (page: Page) => Locator[]> = {
    'by the figure of lost rounds': (page) => [page.getByRole('link', { name: 'lost', exact: true })],
    'by the incidents that are not closed': (page) => [
      page.getByRole('link', { name: 'Lost, held and excused ones' }),
    ],
    'by the navigation': (page) => [
      page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Incidents' }),
    ],
  };
  for (const [how, links] of Object.entries(ways))
    await t.test(`a newcomer learns ${how} why round 9856 was lost, by links alone and within three`, () =>
      onPage(browser, desk, async ({ page }) => {
        await logIn(page, url);
        const row = page.getByRole('row').filter({ hasText: '9856' });
        const followed = [...links(page), row.getByRole('link')];
        for (const link of followed) {
          await link.waitFor({ state: 'visible' });
          await link.click();
        }
        assert.ok(followed.length <= 3);
        await page.waitForURL(/\/incidents\/\d+$/);
        assert.equal(await heading(page), 'etl_adlernest R2, round 9856');
        const text = await page.getByRole('main').innerText();
        for (const part of story) assert.match(text, part);
        assert.ok(text.includes(world.gametimes), 'the place that was looked through');
      }),
    );
}

async function testFilter(t: TestContext, { browser, url }: Place): Promise<void> {
  await t.test('the filter of incidents is set by its form, and stays as it was set', () =>
    onPage(browser, desk, async ({ page }) => {
      await logIn(page, url, '/incidents');
      await page.getByLabel('Verdict').selectOption('lost');
      await page.getByLabel('Cause').selectOption({ label: 'the module crashed' });
      await page.getByLabel('Map contains').fill('ESCAPE');
      await page.getByLabel('Day played').fill('2026-02-16');
      await page.getByRole('button', { name: 'Show' }).click();
      await page.waitForURL(/verdict=lost/);
      const rows = await page
        .getByRole('row')
        .filter({ has: page.getByRole('link') })
        .allInnerTexts();
      assert.equal(rows.length, 2);
      assert.match(rows.join(), /9868.*9865/s);
      assert.equal(await page.getByLabel('Day played').inputValue(), '2026-02-16');
      assert.equal(await page.getByLabel('Map contains').inputValue(), 'ESCAPE');
      assert.equal(await page.getByLabel('Cause').inputValue(), 'module_crashed');
    }),
  );
}

it('The review pages of the February incident, in a browser', { skip: noBrowser }, (t) =>
  inServedFebruary((world, url) =>
    inBrowser(async (browser) => {
      const place = { browser, world, url };
      await testNewcomer(t, place);
      await testFilter(t, place);
      await testDoor(t, place);
    }),
  ),
);
