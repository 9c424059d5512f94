import assert from 'node:assert/strict';
import { accessSync, constants, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';

/** Where Debian installs its browser. */
const executablePath = '/usr/bin/chromium';

/** What a browser needs in a container, and what keeps it from asking anybody for anything of its own. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function isThere(): boolean {
  try {
    accessSync(executablePath, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why tests in a browser are skipped on this machine; false where they run. */
export const noBrowser: string | false = isThere()
  ? false
  : `there is no ${executablePath} on this machine (on Debian: apt-get install chromium)`;

/** Starts a browser, and ends it when `work` is over, however. */
export async function inBrowser<T>(work: (browser: Browser) => Promise<T>): Promise<T> {
  const browser = await chromium.launch({ executablePath, args });
  try {
    return await work(browser);
  } finally {
    await browser.close();
  }
}

/** A page with what was heard of it since it was opened. */
export interface Watched {
  page: Page;
  /** Errors and warnings of the console with what they are about, breaches of a policy too; and what scripts threw. */
  complaints: string[];
  /** Every address that was asked for, `data:` ones too. */
  requests: string[];
}

/** A page of a context of its own, closed with it when `work` is over, however. */
export async function onPage<T>(
  browser: Browser,
  options: BrowserContextOptions,
  work: (watched: Watched) => Promise<T>,
): Promise<T> {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    const watched: Watched = { page, complaints: [], requests: [] };
    page.on('console', (message) => {
      const complaint = `${message.text()} (${message.location().url})`;
      if (['error', 'warning'].includes(message.type())) watched.complaints.push(complaint);
    });
    page.on('pageerror', (thrown) => watched.complaints.push(String(thrown)));
    context.on('request', (request) => watched.requests.push(request.url()));
    return await work(watched);
  } finally {
    await context.close();
  }
}

/** How many CSS pixels of the page lie outside of the window at its right; 0 where it cannot be scrolled sideways. */
export async function sidewaysPixels(page: Page): Promise<number> {
  return page.evaluate<number>('Math.max(0, document.documentElement.scrollWidth - window.innerWidth)');
}

/** Unfolds everything that can be unfolded. */
export const unfold = (page: Page) =>
  page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true");

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  impact: string | null;
  help: string;
  nodes: { html: string; failureSummary?: string }[];
}

const violationText = ({ id, impact, help, nodes }: Violation) =>
  `${impact} ${id}: ${help}\n${nodes.map(({ html, failureSummary = '' }) => `  ${html}\n  ${failureSummary}`).join('\n')}`;

/** What axe-core finds on a page that is serious or critical, each as a text to read. Its script stays in the page. */
export async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate<{ violations: Violation[] }>(
    "axe.run(document, { resultTypes: ['violations'] })",
  );
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(violationText);
}

/** What has the focus. */
export const focused = (page: Page): Locator => page.locator(':focus');

/** Where a keyboard is on a page. */
interface Stop {
  /** The first line of the label of a field, and otherwise of its name or its text. */
  name: string;
  /** Why a person would not see where they are; empty where they do. */
  faults: string[];
  /** In the order of the document: 1 after the stop before, -1 before it, 0 inside the same one, as in a date. */
  order: number;
}

const readStop = `(() => {
  const at = document.activeElement;
  const name = (at.labels?.[0]?.innerText ?? at.getAttribute('aria-label') ?? at.innerText ?? '').trim().split('\\n')[0];
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
  const { left, right, top, bottom, width, height } = at.getBoundingClientRect();
  // Inside a date the browser's own button has the focus, and marks itself.
  const isInside = at.matches('input[type="date"]') && !at.matches(':focus');
  const isMarked = isInside || (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
  const isIn = left < innerWidth && right > 0 && top < innerHeight && bottom > 0;
  // A table that scrolls by itself need not be in the window whole. The browser scrolls to whole pixels.
  const fits = at.matches('section') || width > innerWidth || height > innerHeight || (Math.round(left) >= 0 && Math.round(right) <= innerWidth && Math.round(top) >= 0 && Math.round(bottom) <= innerHeight);
  const last = window.lastStop;
  window.lastStop = at;
  return {
    name,
    faults: [
      at === document.body && 'nothing has the focus',
      !isMarked && 'it has no outline and no shadow',
      !(isIn && fits && width > 0 && height > 0) && 'it is not in the window',
    ].filter(Boolean),
    order: last === at ? 0 : !last || last.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING ? 1 : -1,
  };
})()`;

/**
 * Presses Tab, or Shift+Tab, until what has the focus is named so, and returns the stops on the way. Fails where one of
 * them cannot be seen or is out of order, and after so many presses.
 */
export async function tabTo(page: Page, name: RegExp, most: number, key: 'Tab' | 'Shift+Tab' = 'Tab') {
  const met: string[] = [];
  while (met.length < most) {
    await page.keyboard.press(key);
    const stop = await page.evaluate<Stop>(readStop);
    assert.deepEqual(stop.faults, [], `at "${stop.name}", after ${met.join(' | ')}`);
    const isBack = stop.order === (key === 'Tab' ? -1 : 1);
    assert.equal(isBack, false, `"${stop.name}" is out of order after ${met.join(' | ')}`);
    met.push(stop.name);
    if (name.test(stop.name)) return met;
  }
  throw new Error(`${name} is not reached by ${most} times ${key}, only: ${met.join(' | ')}`);
}
