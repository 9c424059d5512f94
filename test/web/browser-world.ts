import type { Locator, Page } from 'playwright-core';
import { makeReport } from '../../jobs/report.ts';
import { serve } from '../../jobs/serve.ts';
import { formats } from '../../reports/format.ts';
import { openLog } from '../../src/log.ts';
import { type Beginning, inWorld, type World } from '../jobs/setup.ts';
import { incidentBeginning, theMorningAfter } from '../reports/world.ts';

export const token = 'a-token-that-is-long-enough';
export const reviewer = 'Ana Novak';

/** Serves the review pages of a world, as of the morning after, while `work` looks at them. */
async function whileServed(world: World, work: (url: string) => Promise<void>): Promise<void> {
  const config = world.config({ WEB_LISTEN: '127.0.0.1:0', WEB_TOKEN: token });
  const nowMs = () => Date.parse(theMorningAfter);
  const serving = await serve(config, { log: openLog('silent'), nowMs, isTerminal: false });
  try {
    await work(serving.url);
  } finally {
    await serving.close();
  }
}

/** A world that was audited once, with its pages being served. */
export function inServedWorld(
  beginning: Beginning,
  work: (world: World, url: string) => Promise<void>,
): Promise<void> {
  return inWorld('sqlite', beginning, async (world) => {
    await world.audit({ now: theMorningAfter });
    await whileServed(world, (url) => work(world, url));
  });
}

/** The February incident the morning after, with the reports of two of its days. */
export function inServedFebruary(work: (world: World, url: string) => Promise<void>): Promise<void> {
  return inServedWorld(incidentBeginning, async (world, url) => {
    for (const day of ['2026-02-11', '2026-02-16'])
      await makeReport({
        config: world.config(),
        asked: { day },
        formats,
        nowMs: Date.parse(theMorningAfter),
      });
    await work(world, url);
  });
}

/** Logs in by the form, and waits for the page that was asked for. */
export async function logIn(page: Page, url: string, path = '/'): Promise<void> {
  await page.goto(url + path);
  await page.getByLabel('Who are you?').fill(reviewer);
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL(url + path);
}

/** The form of a decision, by its heading. */
export const formOf = (page: Page, title: string): Locator =>
  page.locator('form').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
