import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inBrowser, noBrowser, onPage, seriousFaults, sidewaysPixels, tabTo } from './browser.ts';

const bad = `<!doctype html><html lang="en"><head><title>bad</title><style>
  .faint { color: #ddd; background: #fff } .wide { width: 2000px } .hidden:focus { outline: none }
  </style></head><body><h1>Bad</h1><p class="faint">hardly to be read</p><p class="wide">wide</p>
  <a href="#a">first</a> <a href="#b" class="hidden">second</a> <input>
  <img src="http://203.0.113.1/beacon.png" alt=""><script>console.error('a complaint')</script></body></html>`;

it('The tests in a browser see what is wrong with a page', { skip: noBrowser }, () =>
  inBrowser((browser) =>
    onPage(browser, { viewport: { width: 360, height: 740 } }, async ({ page, complaints, requests }) => {
      await page.route('http://203.0.113.1/**', (route) => route.abort());
      await page.setContent(bad);
      assert.match(complaints.join(), /a complaint/);
      assert.deepEqual(requests, ['http://203.0.113.1/beacon.png']);
      assert.ok((await sidewaysPixels(page)) > 0);
      const faults = (await seriousFaults(page)).join('\n');
      for (const fault of ['serious color-contrast', 'hardly to be read', 'critical label'])
        assert.ok(faults.includes(fault), faults);
      await tabTo(page, /^first$/, 1);
      await assert.rejects(tabTo(page, /^second$/, 1), /no outline and no shadow/);
      await assert.rejects(tabTo(page, /^third$/, 1), /is not reached by 1 times Tab/);
    }),
  ),
);
