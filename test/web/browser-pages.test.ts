import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import type { Browser } from 'playwright-core';
import {
  inBrowser,
  noBrowser,
  onPage,
  seriousFaults,
  sidewaysPixels,
  unfold,
  type Watched,
} from '../browser.ts';
import type { World } from '../jobs/setup.ts';
import { inServedFebruary, logIn } from './browser-world.ts';

const looks = [
  { name: '1280 px, light', viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  { name: '360 px, light', viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  { name: '360 px, dark', viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
] as const;

/** What a page is, its address, and how the server answers where that is not 200. */
type Visit = readonly [what: string, path: string, status?: number];

/** Every page there is, and every kind of address that changes what it shows. */
async function visitsOf(world: World): Promise<Visit[]> {
  const idOf = async (roundId: number) => (await world.incident(roundId)).id;
  const [crashed, repaired] = [await idOf(9856), await idOf(9818)];
  const head = (await world.entries()).at(-1)!;
  return [
    ['the overview', '/'],
    ['the incidents', '/incidents'],
    ['the open incidents', '/incidents?status=open'],
    ['all incidents', '/incidents?status=all'],
    ['the lost incidents', '/incidents?status=unclosed&verdict=lost'],
    ['the incidents of a cause', '/incidents?cause=module_crashed'],
    ['the incidents of a map', '/incidents?map=escape'],
    ['the incidents of a day', '/incidents?day=2026-02-16'],
    ['the incident of a round', '/incidents?round=9856'],
    ['a page of incidents that is not there', '/incidents?page=9'],
    ['a filter that cannot be read', '/incidents?day=yesterday'],
    ['a lost incident', `/incidents/${crashed}`],
    ['a lost incident after a decision', `/incidents/${crashed}?done=note`],
    ['a repaired incident', `/incidents/${repaired}`],
    ['the ledger', '/ledger'],
    ['one kind of entry', '/ledger?kind=gap.written_off'],
    ['an entry', `/ledger?at=${crashed}`],
    ['a verification', '/ledger/verify'],
    ['a verification with a head that is wrong', `/ledger/verify?anchor=${head.seq}+${'0'.repeat(64)}`],
    ['the reports', '/reports'],
    ['a report', '/reports/test/2026-02-16.html'],
    ['a page that is not there', '/nothing', 404],
  ];
}

/** A browser says of every page that is not there that it is not. */
const isSaidOfStatus = (complaint: string, status: number) =>
  status >= 400 && complaint.startsWith('Failed to load resource') && complaint.includes(String(status));

async function testPage({ page, complaints }: Watched, url: string, visit: Visit): Promise<void> {
  const [, path, status = 200] = visit;
  complaints.length = 0;
  const answer = await page.goto(url + path);
  assert.equal(answer?.status(), status);
  assert.deepEqual(
    complaints.filter((complaint) => !isSaidOfStatus(complaint, status)),
    [],
  );
  assert.equal(await page.locator('h1').count(), 1);
  assert.equal(await sidewaysPixels(page), 0);
  await unfold(page);
  assert.equal(await sidewaysPixels(page), 0, 'with everything unfolded');
  assert.deepEqual(await seriousFaults(page), []);
}

async function testPages(t: TestContext, of: { watched: Watched; url: string; visits: Visit[] }) {
  const { watched, url, visits } = of;
  const before: Visit = ['the login', '/login?next=/incidents'];
  await t.test(before[0], () => testPage(watched, url, before));
  await logIn(watched.page, url);
  for (const visit of visits) await t.test(visit[0], () => testPage(watched, url, visit));
  await t.test('asked no other host for anything', () => {
    const foreign = watched.requests.filter(
      (address) => !address.startsWith(`${url}/`) && address !== 'data:,',
    );
    assert.deepEqual(foreign, []);
    assert.ok(watched.requests.length > visits.length);
  });
}

/** What a packet holds is text, and never a page. */
async function testPacket(browser: Browser, of: { world: World; url: string }): Promise<void> {
  const { world, url } = of;
  const { id } = await world.incident(9856);
  await onPage(browser, { viewport: { width: 360, height: 740 } }, async ({ page, complaints }) => {
    await logIn(page, url, `/incidents/${id}`);
    const links = page.getByRole('region', { name: 'Triage packet' }).getByRole('link');
    const names = await links.allInnerTexts();
    assert.ok(names.includes('README.md') && names.includes('verdict.json'), names.join(', '));
    for (const name of names) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.waitForURL(new RegExp(`/packets/.*/${name.replaceAll('.', '\\.')}$`));
      const file = join(world.dataDir, decodeURIComponent(new URL(page.url()).pathname));
      assert.equal((await page.locator('body').textContent())?.trim(), readFileSync(file, 'utf8').trim());
      assert.equal(await sidewaysPixels(page), 0, name);
      await page.goBack();
    }
    // A text cannot say that it has no icon, so that a browser looks for one.
    assert.deepEqual(
      complaints.filter((complaint) => !complaint.endsWith(`(${url}/favicon.ico)`)),
      [],
    );
  });
}

it('Every page is one for every reader, in a browser', { skip: noBrowser }, (t) =>
  inServedFebruary(async (world, url) => {
    const visits = await visitsOf(world);
    await inBrowser(async (browser) => {
      for (const { name, ...look } of looks)
        await t.test(name, (sizeTest) =>
          onPage(browser, look, (watched) => testPages(sizeTest, { watched, url, visits })),
        );
      await t.test('the files of a packet are shown as text', () => testPacket(browser, { world, url }));
    });
  }),
);
