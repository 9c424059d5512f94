import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { onPage } from '../browser.ts';
import { inWorld, type World } from '../jobs/setup.ts';
import { incidentBeginning, theMorningAfter } from './world.ts';

export const phone = { viewport: { width: 360, height: 740 } };
export const schemes = ['light', 'dark'] as const;

/** The second rounds of 2026-02-16 that are lost. */
export const lost = [9856, 9865, 9868, 9871];

/** The February incident, audited the morning after. */
export const inAuditedFebruary = (work: (world: World) => Promise<void>) =>
  inWorld('sqlite', incidentBeginning, async (world) => {
    await world.audit({ now: theMorningAfter });
    await work(world);
  });

/** A page as a file of its own while `work` needs its address. */
async function asFile<T>(html: string, work: (url: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-page-'));
  try {
    const path = join(directory, 'page.html');
    writeFileSync(path, html);
    return await work(pathToFileURL(path).href);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Opens a page from a file. Fails where it complains in the console, or loads anything besides the file. */
export function opened(
  browser: Browser,
  of: { html: string } & BrowserContextOptions,
  work: (page: Page) => Promise<void>,
): Promise<void> {
  const { html, ...options } = of;
  return asFile(html, (url) =>
    onPage(browser, options, async ({ page, complaints, requests }) => {
      await page.goto(url);
      await work(page);
      assert.deepEqual(complaints, []);
      assert.deepEqual(
        requests.filter((address) => !address.startsWith('data:')),
        [url],
      );
    }),
  );
}

/**
 * What a phone does not show of some cells without scrolling sideways, each as its text; fails where there are none.
 * The page may be as long as it likes.
 */
export async function hiddenAtTheRight(cells: Locator): Promise<string[]> {
  const found = await cells.evaluateAll((all) =>
    all.map((cell) => ({ text: cell.innerText, right: cell.getBoundingClientRect().right })),
  );
  assert.ok(found.length > 0, 'there are no such cells');
  return found.filter(({ right }) => right > phone.viewport.width).map(({ text }) => text);
}

/** A page as a mail program shows it that knows no media queries. */
export const withoutQueries = (html: string) => html.replaceAll(/@media [^{]*\{/g, '@media not all {');

/** True where the whole of it is seen on a phone without scrolling. */
export async function isOnFirstScreen(what: Locator): Promise<boolean> {
  const box = await what.boundingBox();
  assert.ok(box, 'it is not shown at all');
  const { width, height } = phone.viewport;
  return box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height;
}
