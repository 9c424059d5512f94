import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { inBrowser, noBrowser, onPage } from '../browser.ts';
import { captureRow, game, roundRow } from '../jobs/games.ts';
import { lineOf, linksOf, type World } from '../jobs/setup.ts';
import { theMorningAfter } from '../reports/world.ts';
import { formOf, inServedFebruary, inServedWorld, logIn, reviewer } from './browser-world.ts';

/** Somebody who looks at the incident of a round. */
interface Reviewing {
  world: World;
  url: string;
  page: Page;
}

/** Opens the incident of a round as somebody who has logged in. */
function reviewing(
  of: { browser: Browser; world: World; url: string },
  roundId: number,
  work: (reviewing: Reviewing) => Promise<void>,
): Promise<void> {
  const { browser, world, url } = of;
  return onPage(browser, { viewport: { width: 1280, height: 900 } }, async ({ page, complaints }) => {
    const { id } = await world.incident(roundId);
    await logIn(page, url, `/incidents/${id}`);
    await work({ world, url, page });
    assert.deepEqual(complaints, []);
  });
}

async function send(page: Page, title: string, reason: string): Promise<void> {
  const form = formOf(page, title);
  await form.getByRole('textbox').fill(reason);
  await form.getByRole('button').click();
}

const decided = (page: Page) => page.getByRole('region', { name: 'What people decided' }).innerText();
const status = (page: Page) => page.getByRole('region', { name: 'Verdict' }).innerText();

/** The last entry, which has to be a decision of the reviewer about this round. */
async function assertWritten({ world }: Reviewing, roundId: number, kind: string, reason: string) {
  const entry = (await world.entries()).at(-1)!;
  const { by, reason: written } = entry.body as { by: string; reason: string };
  assert.deepEqual([entry.kind, by, written], [kind, reviewer, reason]);
  assert.equal(entry.key, (await world.incident(roundId)).key);
}

it('People decide on the incidents of February, in a browser', { skip: noBrowser }, (t) =>
  inServedFebruary((world, url) =>
    inBrowser(async (browser) => {
      const of = { browser, world, url };

      await t.test('an excuse without a reason is not sent, and one of spaces is refused', () =>
        reviewingWithRefusal(of),
      );

      for (const [title, kind, roundId, said] of [
        ['Excuse', 'incident.excused', 9856, 'Excused'],
        ['Hold', 'incident.held', 9865, 'Held'],
        ['Note', 'incident.noted', 9868, 'Note'],
      ] as const)
        await t.test(`${title}: the page says who said so and why, and so does the ledger`, () =>
          reviewing(of, roundId, async (at) => {
            const reason = `the server's "demo" is kept, <b>${title}</b> & all`;
            await send(at.page, title, reason);
            await at.page.getByRole('status').waitFor();
            assert.match(at.page.url(), /\?done=/);
            const text = await decided(at.page);
            assert.ok(text.includes(`${said} by ${reviewer}, 2026-02-18 06:10:00 UTC: ${reason}`), text);
            await assertWritten(at, roundId, kind, reason);
          }),
        );

      await t.test('Reopen ends a hold, and the page offers to hold it again', () =>
        reviewing(of, 9865, async (at) => {
          assert.match(await status(at.page), /written off, held/);
          assert.equal(await formOf(at.page, 'Hold').count(), 0);
          await send(at.page, 'Reopen', '');
          assert.match(await at.page.getByRole('status').innerText(), /^Reopened/);
          assert.doesNotMatch(await status(at.page), /held/);
          assert.equal(await formOf(at.page, 'Hold').count(), 1);
          await assertWritten(at, 9865, 'incident.reopened', '');
          const { held, status: stands } = await world.incident(9865);
          assert.deepEqual([held, stands], [null, 'open']);
        }),
      );

      await t.test('a decision is written once, however often its page is loaded again', () =>
        reviewing(of, 9871, async ({ page }) => {
          await send(page, 'Note', 'once');
          await page.getByRole('status').waitFor();
          const written = (await world.entries()).length;
          await page.reload();
          await page.goBack();
          await page.goForward();
          assert.equal((await world.entries()).length, written);
        }),
      );
    }),
  ),
);

async function reviewingWithRefusal(of: { browser: Browser; world: World; url: string }): Promise<void> {
  const { browser, world, url } = of;
  await onPage(browser, {}, async ({ page }) => {
    const { id } = await world.incident(9856);
    await logIn(page, url, `/incidents/${id}`);
    const before = await world.entries();
    await send(page, 'Excuse', '');
    const reason = formOf(page, 'Excuse').getByRole('textbox');
    assert.equal(await reason.evaluate((field) => field.matches(':invalid:focus')), true);
    assert.equal(page.url(), `${url}/incidents/${id}`);
    await send(page, 'Excuse', '   ');
    const alert = page.getByRole('alert');
    assert.match(await alert.innerText(), /^Nothing was written\. An excuse needs its reason\./);
    assert.equal(await reason.getAttribute('aria-invalid'), 'true');
    await alert.getByRole('link').click();
    assert.equal(await reason.evaluate((field) => field.matches(':focus, :target')), true);
    assert.deepEqual(await world.entries(), before);
  });
}

const played = game('supply', 1, '2026-02-16 21:00:00');
const earlier = { ...played, start: played.start - 2, end: played.end - 2 };
const later = { ...played, end: played.end + 2 };
const ambiguous = {
  rounds: [roundRow(1, played, { delay: 0 })],
  captures: [captureRow(11, earlier, null), captureRow(12, later, null)],
};

it('People resolve an ambiguity, in a browser', { skip: noBrowser }, (t) =>
  inServedWorld(ambiguous, (world, url) =>
    inBrowser(async (browser) => {
      const of = { browser, world, url };

      await t.test('Acknowledge makes an open incident silent, and leaves it open', () =>
        reviewing(of, 1, async (at) => {
          await send(at.page, 'Acknowledge', 'looking');
          assert.match(await at.page.getByRole('status').innerText(), /^Acknowledged/);
          assert.match(await status(at.page), /Status: open, acknowledged\./);
          assert.ok((await decided(at.page)).includes(`Acknowledged by ${reviewer}`));
          await assertWritten(at, 1, 'incident.acknowledged', 'looking');
        }),
      );

      await t.test('no choice is sent while none of the candidates is chosen', () =>
        reviewing(of, 1, async ({ page }) => {
          const before = await world.entries();
          await send(page, 'Choose a candidate', '');
          assert.doesNotMatch(page.url(), /done=/);
          assert.deepEqual(await world.entries(), before);
        }),
      );

      await t.test('the candidate that is chosen is shown, recorded, and linked by the next audit', () =>
        reviewing(of, 1, async (at) => {
          const { page } = at;
          const form = formOf(page, 'Choose a candidate');
          assert.equal(await form.getByRole('radio').count(), 2);
          await form.getByRole('radio', { name: /^capture 12, ended 2 s after/ }).check();
          await send(page, 'Choose a candidate', 'the demo ends then');
          assert.match(await page.getByRole('status').innerText(), /^Chosen/);
          assert.match(await decided(page), /Chosen.*capture 12/);
          await assertWritten(at, 1, 'incident.resolved', 'the demo ends then');
          const audited = await world.audit({ now: theMorningAfter });
          assert.equal(lineOf(audited, 1).outcome, 'done');
          assert.deepEqual(linksOf(await world.dump()), { 11: null, 12: 1 });
          await page.reload();
          assert.match(await status(page), /closed: covered by a repair/);
        }),
      );
    }),
  ),
);
