import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { coverageOf } from '../../src/core/coverage.ts';
import { createApp } from '../../src/web/app.tsx';
import type { IncidentView, Overview } from '../../src/web/desk.ts';
import { februaryDesk, lastAudit, now } from './pages-desk.ts';

const token = 'a token of enough letters';
const formType = { 'Content-Type': 'application/x-www-form-urlencoded' };

/** The pages over a desk of their own, with somebody who has logged in. */
async function reviewer() {
  const desk = februaryDesk();
  const app = createApp(desk, { token, nowMs: () => Date.parse(now), source: 'production' });
  const login = await app.request('/login', {
    method: 'POST',
    headers: formType,
    body: new URLSearchParams({ name: 'Vid', token }).toString(),
  });
  const cookie = login.headers.get('set-cookie')!.split(';')[0]!;
  const get = (path: string) => app.request(path, { headers: { Cookie: cookie, Accept: 'text/html' } });
  const page = async (path: string) => {
    const answer = await get(path);
    assert.equal(answer.status, 200, path);
    return answer.text();
  };
  const csrf = /name="csrf" value="([^"]+)"/.exec(await page('/'))![1]!;
  const decide = (id: number, fields: Record<string, string>) =>
    app.request(`/incidents/${id}/decide`, {
      method: 'POST',
      headers: { ...formType, Cookie: cookie, Accept: 'text/html' },
      body: new URLSearchParams({ csrf, ...fields }).toString(),
    });
  return { desk, app, get, page, decide };
}

/** What stands on a page to be read, on one line. */
const words = (html: string) =>
  html
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ');

const says = (html: string, ...texts: string[]) => {
  const text = words(html);
  for (const one of texts) assert.ok(text.includes(one), `"${one}" is missing in: ${text}`);
};
const saysNot = (html: string, ...texts: string[]) => {
  for (const one of texts) assert.ok(!words(html).includes(one), `"${one}" should not be there`);
};

describe('every page', () => {
  const paths = [
    '/',
    '/incidents',
    '/incidents?status=all&page=2',
    '/incidents/9',
    '/incidents/13',
    '/incidents/14',
    '/incidents/15',
    '/ledger',
    '/ledger?at=3',
    '/ledger/verify',
    '/reports',
  ];

  test('has one h1, a main, a title, and nothing that the policy would refuse', async () => {
    const { page } = await reviewer();
    for (const path of paths) {
      const html = await page(path);
      assert.ok(html.startsWith('<!doctype html><html lang="en">'), path);
      assert.equal(html.match(/<h1[ >]/g)?.length, 1, path);
      assert.equal(html.match(/<main[ >]/g)?.length, 1, path);
      assert.match(html, /<title>[^<]+ · Roundwarden<\/title>/);
      assert.doesNotMatch(html, /<script|<style|\sstyle=|\son[a-z]+=["']/i, path);
      assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\//, path);
    }
  });

  test('marks its place in the navigation', async () => {
    const { page } = await reviewer();
    for (const [path, name] of [
      ['/', 'Overview'],
      ['/incidents/9', 'Incidents'],
      ['/ledger/verify', 'Ledger'],
      ['/reports', 'Reports'],
    ])
      assert.match(await page(path!), new RegExp(`aria-current="page">${name}<`));
  });

  test('is for those only who have logged in, but its style and its health are for everybody', async () => {
    const { app } = await reviewer();
    for (const path of paths) assert.ok([302, 303, 401].includes((await app.request(path)).status), path);
    const style = await app.request('/assets/style.css');
    assert.deepEqual([style.status, style.headers.get('content-type')], [200, 'text/css; charset=utf-8']);
    assert.match(await style.text(), /prefers-color-scheme: dark/);
    assert.equal((await app.request('/healthz')).status, 200);
  });

  test('that is not there is a 404', async () => {
    const { get } = await reviewer();
    for (const path of [
      '/nowhere',
      '/incidents/999',
      '/incidents/0',
      '/incidents/x',
      '/incidents/99999999999999999999',
      '/reports/production/2026-02-14.html',
      '/reports/production/2026-02-16.constructor',
      '/reports/production/2026-02-16',
      '/reports/.html',
      '/reports/production/..%2f..%2fsecret.html',
      '/reports/%2e%2e%2fsecret.json',
      '/reports/a/%2E%2E/%2E%2E/etc.json',
      '/reports/production//2026-02-16.html',
      '/packets/unknown/README.md',
      '/packets/production-2026-02-16-212429-etl_adlernest-R2-9856/nothing.md',
      '/packets/production-2026-02-16-212429-etl_adlernest-R2-9856/logs%2fconsole.log',
      '/packets/..%2f..%2fetc/passwd',
      '/packets/%2e%2e/README.md',
    ])
      assert.equal((await get(path)).status, 404, path);
  });
});

describe('the overview', () => {
  const withOverview = async (overview: Partial<Overview>) => {
    const { desk, page } = await reviewer();
    desk.change.overview = overview;
    return page('/');
  };
  test('says in words how things stand, when the last audit was, and how it ended', async () => {
    const { page } = await reviewer();
    says(
      await page('/'),
      'Open 2 incidents are open.',
      'The last audit ended 3 min ago with exit code 3 (ran, and something is open).',
      'Source production, server time of Europe/Ljubljana, as of 2026-02-18 07:00:00 UTC .',
    );
  });

  test('says what is wrong with the auditor before anything else', async () => {
    const at = '2026-02-18T03:55:00Z';
    const texts: [Partial<Overview>, string][] = [
      [{ lastAudit: null }, 'Look now No audit has run yet, so nothing is known.'],
      [
        { lastAudit: { ...lastAudit, startedAt: at, finishedAt: at } },
        'Look now Nobody is looking: no audit has ended for 3 h 5 min.',
      ],
      [
        { lastAudit: { ...lastAudit, state: 'failed', exitCode: 1, error: 'no such table: rounds' } },
        'Look now The last audit failed. The last audit ended 3 min ago with exit code 1 (the run failed): no such table: rounds.',
      ],
      [
        { lastAudit: { ...lastAudit, startedAt: at, finishedAt: null, state: 'running', exitCode: null } },
        'The last audit has been running for 3 h 5 min.',
      ],
    ];
    for (const [overview, text] of texts) says(await withOverview(overview), text);
  });

  test('does not warn of an audit of exactly 15 minutes ago', async () => {
    const finishedAt = '2026-02-18T06:45:00Z';
    saysNot(await withOverview({ lastAudit: { ...lastAudit, finishedAt } }), 'Look now');
    const older = '2026-02-18T06:44:59Z';
    says(await withOverview({ lastAudit: { ...lastAudit, finishedAt: older } }), 'Look now');
  });

  test('is neither green nor red where nobody played, and where something could not be read', async () => {
    says(await withOverview({ open: [] }), 'Not checked 1 place cannot be read.');
    const nothing = { coverage: coverageOf([]), series: [], discrepancies: [] };
    const quiet = { open: [], unreadablePlaces: [], figures: nothing };
    says(await withOverview(quiet), 'Quiet No rounds were played in the last 14 days.');
    const clear = { open: [], unreadablePlaces: [] };
    says(
      await withOverview(clear),
      'Nothing to do Nothing is open. 10 rounds of the last 14 days stay lost.',
    );
  });

  test('says first and in red where the sums do not add up, and calls nothing clear then', async () => {
    const { figures } = await februaryDesk().overview();
    const discrepancies = ['2026-02-16: 15 rows, and another sum of their states', '<b>by day</b>: 3'];
    const html = await withOverview({
      figures: { ...figures!, discrepancies },
      open: [],
      unreadablePlaces: [],
    });
    says(
      html,
      'Overview The sums do not add up: this is a defect, and no number here can be trusted. 2026-02-16: 15 rows, and another sum of their states <b>by day</b>: 3 Look now The sums do not add up. The last audit',
    );
    assert.match(html, /<h1>Overview<\/h1><div class="notice bad" role="alert">/);
    saysNot(html, 'Nothing to do', 'Clear');
    saysNot(await withOverview({}), 'do not add up');
  });

  test('shows what the ledger knows where the source cannot be read', async () => {
    const down = { figures: null, whyNoFigures: 'cannot open database db/5432/stats', unreadablePlaces: [] };
    const html = await withOverview(down);
    says(
      html,
      'The source cannot be read, so there are no figures: cannot open database db/5432/stats',
      '2 incidents are open.',
    );
    says(await withOverview({ ...down, open: [] }), 'Not checked The source cannot be read.');
    saysNot(html, 'Coverage of 14 days');
  });

  test('shows every figure, both charts with their numbers, places, messages, runs and the head', async () => {
    const { desk, page } = await reviewer();
    const html = await page('/');
    says(
      html,
      'expected 35',
      'live 12',
      'repaired 10',
      'pending 0',
      'set aside 1',
      'lost 10',
      'R2 4 of 22 18.2 % live',
      '/mnt/eu2/gametimes 2026-02-17 20:00:00 it does not exist',
      '12 sent, 1 queued, the oldest for 30 min, 1 could not be delivered.',
      'mail production|session 89|alert 550 no such user',
      'report 2026-02-18 06:10:00 1.0 s failed 1 (the run failed) mail: connect ECONNREFUSED',
      `18 ${desk.entries.at(-1)!.hash}`,
      '2026-02-16 12 8 0 0 0 4 6 of 6 2 of 6 missing 9856, 9865, 9868, 9871',
      '2026-02-15 no rounds were played',
    );
    const afterCharts = html.split('<svg').slice(1);
    assert.equal(afterCharts.length, 2);
    for (const after of afterCharts) assert.match(after, /<details><summary>The numbers: /);
  });

  test('lists at most 20 open incidents, newest first, and leads to the rest', async () => {
    const [one] = (await februaryDesk().overview()).open;
    const open = Array.from({ length: 23 }, (_, index) => ({ ...one!, id: index + 100 }));
    const html = await withOverview({ open });
    const ids = [...html.matchAll(/href="\/incidents\/(\d+)"/g)].map(([, id]) => Number(id));
    assert.deepEqual(
      ids,
      Array.from({ length: 20 }, (_, index) => 122 - index),
    );
    says(html, '23 incidents are open.', 'The newest 20 of 23', 'All 23 open incidents');
    assert.match(html, /href="\/incidents\?status=open"/);
  });
});

describe('the list of incidents', () => {
  const idsOn = (html: string) =>
    [...html.matchAll(/<th scope="row"><a href="\/incidents\/(\d+)"/g)].map(([, id]) => Number(id));

  test('shows each with what it is, and links to it', async () => {
    const { page } = await reviewer();
    const html = await page('/incidents?day=2026-02-16&map=ADLER');
    assert.deepEqual(idsOn(html), [9]);
    says(html, 'etl_adlernest R2, 9856 2026-02-16 21:24:29 lost the module crashed written off');
  });

  test('is filtered by every field of its form, and shows what it was filtered by', async () => {
    const { page } = await reviewer();
    const open = await page('/incidents?status=open');
    assert.deepEqual(idsOn(open), [14, 13]);
    assert.match(open, /<option value="open" selected/);
    const ambiguous = await page('/incidents?verdict=ambiguous');
    assert.deepEqual(idsOn(ambiguous), [13]);
    const cause = await page('/incidents?cause=module_crashed&map=escape');
    assert.deepEqual(idsOn(cause), [11, 10]);
    assert.match(cause, /<option value="module_crashed" selected/);
    assert.match(cause, /name="map" value="escape"/);
    assert.match(await page('/incidents?day=2026-02-04'), /name="day" value="2026-02-04"/);
    const since = await page('/incidents?since=2026-02-11&map=adler');
    assert.deepEqual(idsOn(since), [9]);
    assert.match(since, /name="since" value="2026-02-11"/);
    says(await page('/incidents?since=2026-02-30'), 'This could not be read, and restricts nothing: since.');
    says(
      await page('/incidents?status=all&round=12345'),
      'No incident fits this.',
      'roundwarden explain 12345',
    );
  });

  test('has pages that keep the filter', async () => {
    const { page } = await reviewer();
    const first = await page('/incidents?cause=never_received');
    says(first, 'Incidents 1 to 5 of 8', 'Page 1 of 2');
    const next = /rel="next" href="([^"]+)"/.exec(first)![1]!.replaceAll('&amp;', '&');
    const second = await page(next);
    says(second, 'Incidents 6 to 8 of 8', 'Page 2 of 2');
    assert.equal(idsOn(first).length + idsOn(second).length, 8);
    assert.match(second, /rel="prev" href="[^"]*cause=never_received[^"]*"/);
    says(await page('/incidents?page=40'), 'There is nothing on page 40.', 'Page 40 of 3');
  });

  test('says which part of an address it could not read, and does not use it', async () => {
    const { page } = await reviewer();
    const html = await page('/incidents?day=2026-02-30&verdict=nice&page=-1');
    says(html, 'This could not be read, and restricts nothing: verdict, day, page.', '14 incidents fit');
    says(await page('/incidents?map=nowhere'), 'No incident fits this.');
  });
});

describe('the page of an incident', () => {
  test('tells why round 9856 was lost and what was tried, in the order in which people ask', async () => {
    const { page } = await reviewer();
    // Without the links to its parts.
    const text = words((await page('/incidents/9')).replace(/<nav class="inside"[\s\S]*?<\/nav>/, ''));
    const order = [
      'etl_adlernest R2, round 9856',
      '2026-02-16 21:24:29',
      'lost Lost: its teams and exact times. Nothing is left from which they could be repaired.',
      'Status: written off .',
      'Why it is missing',
      'The module crashed module_crashed',
      "bad argument #9 to 'format' (number has no integer representation).",
      "Also: the module's message never reached the bot.",
      'etconsole.log:512 Lua 5.4 API: ^4et_RunFrame error running lua script',
      'What was tried',
      'that ended between 20:23:59 and 20:24:34 UTC, as one of this round must have: there is none.',
      'No repair was tried: there was nothing to repair it from.',
      '/srv/gametimes 18 2026-02-11 20:20:10 2026-02-16 21:54:08',
      'What people decided Nothing so far.',
      'Decide',
      'Timeline',
      '9 2026-02-18 06:57:02 lost, cause module_crashed',
      'The rows around it',
      '"gaming_session_id": 89',
      'etl_adlernest 1 2026-02-16 212030 completed 1771272979 1771273228',
      '9856, of this round {',
      'etl_adlernest 2 2026-02-16 212429 completed null null',
      'etl_adlernest 1 9855',
      'The log lines around it',
      "2 lines of the game server's console",
      'Triage packet',
      'logs/console.log',
    ];
    const places = order.map((part) => text.indexOf(part));
    for (const [index, place] of places.entries()) assert.ok(place >= 0, `"${order[index]}" is missing`);
    assert.deepEqual(
      places,
      [...places].sort((a, b) => a - b),
    );
  });

  test('shows candidates with their distances, and a place that could not be read with its reason', async () => {
    const { page } = await reviewer();
    says(
      await page('/incidents/13'),
      'artifact gametime-te_escape2-R1-1771360263.json ended 2 s before the stats file whole and sane',
      'artifact gametime-te_escape2-R1-1771360267.json ended 2 s after the stats file',
      '/mnt/eu2/gametimes Could not be read: it does not exist',
      'The source cannot be read now: the source cannot be reached.',
    );
  });

  test('says where what is true now differs from what the ledger says', async () => {
    const { desk, page } = await reviewer();
    const { incident } = (await desk.incident(9))!;
    const judgedNow = {
      ...{ round: {} as never, key: incident.key, playedUnix: 0, exempt: null, flags: [], candidate: null },
      ...{ verdict: 'recoverable', reason: 'artifact', because: 'an artifact fits it alone', cause: null },
    } as NonNullable<IncidentView['now']>;
    desk.change.view = { now: judgedNow, whyNotNow: null };
    const html = await page('/incidents/9');
    says(html, 'recoverable It has no capture, but an artifact of it is there', 'The last entry says “lost”');
    says(html, 'The module crashed');
    desk.change.view = { now: { ...judgedNow, exempt: 'invalid', verdict: null }, whyNotNow: null };
    says(await page('/incidents/9'), 'it is not expected to have a capture (invalid)');
  });

  test('shows a repaired round as closed, and how its repair is undone', async () => {
    const { desk, page } = await reviewer();
    const html = await page(`/incidents/${desk.idOf(9824)}`);
    says(html, 'Status: closed: covered by a repair .', 'entry 16 ( roundwarden revert 16 undoes it)');
    saysNot(html, 'No audit repairs it until', 'Silent');
  });

  test('shows the hostile texts of the world as text, without what turns the writing round', async () => {
    const { page } = await reviewer();
    for (const path of ['/', '/incidents', '/incidents/14', '/incidents/9', '/ledger']) {
      const html = await page(path);
      assert.doesNotMatch(html, /<script|<img|<b>\.?w/, path);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      assert.doesNotMatch(html, /[\u0007\u202e]/, path);
      assert.doesNotMatch(html, /SECRET/, path);
    }
    says(
      await page('/incidents/14'),
      '<img src=x onerror=alert(2)> https://discord.com/api/webhooks/[masked]',
    );
  });

  test('offers the decisions that mean something', async () => {
    const { desk, page, decide } = await reviewer();
    const offered = async (id: number) =>
      [...(await page(`/incidents/${id}`)).matchAll(/name="kind" value="(\w+)"/g)].map(([, kind]) => kind);
    assert.deepEqual(await offered(9), ['note', 'excuse', 'hold', 'reopen']);
    assert.deepEqual(await offered(13), ['resolve', 'note', 'acknowledge', 'excuse', 'hold']);
    assert.deepEqual(await offered(14), ['note', 'acknowledge', 'excuse', 'hold']);
    assert.deepEqual(await offered(desk.idOf(9824)), ['note']);
    await decide(14, { kind: 'acknowledge', reason: '' });
    assert.deepEqual(await offered(14), ['note', 'excuse', 'hold', 'reopen']);
    await decide(14, { kind: 'hold', reason: 'wait' });
    assert.deepEqual(await offered(14), ['note', 'excuse', 'reopen']);
    await decide(14, { kind: 'excuse', reason: 'known' });
    assert.deepEqual(await offered(14), ['note', 'reopen']);
  });
});

describe('a decision', () => {
  const shas = ['a1'.repeat(32), 'b2'.repeat(32)] as const;

  test('of each kind reaches the desk with its words and the name of who is logged in', async () => {
    const { desk, decide, page } = await reviewer();
    const sent = [
      [14, { kind: 'acknowledge', reason: '' }],
      [14, { kind: 'excuse', reason: 'the test server' }],
      [14, { kind: 'hold', reason: 'I look at the disk first' }],
      [14, { kind: 'note', reason: 'two\nlines' }],
      [14, { kind: 'reopen', reason: '' }],
      [13, { kind: 'resolve', candidate: `artifact:${shas[1]}`, reason: 'the second server was down' }],
    ] as const;
    for (const [id, fields] of sent) {
      const answer = await decide(id, fields);
      assert.equal(answer.status, 303);
      assert.equal(answer.headers.get('location'), `/incidents/${id}?done=${fields.kind}`);
    }
    assert.deepEqual(
      desk.decided,
      sent.map(([id, decision]) => ({ id, decision, by: 'Vid' })),
    );
    says(
      await page('/incidents/13'),
      `Chosen: artifact ${shas[1]}, which the next audit writes under every other rule, by Vid`,
    );
    says(await page('/incidents/14'), 'Note by Vid, 2026-02-18 06:57:02 UTC : two lines');
  });

  test('is confirmed in words while it is the last word of the ledger, and nothing else is', async () => {
    const { decide, page } = await reviewer();
    const isConfirmed = async (kind: string) => /role="status"/.test(await page(`/incidents/9?done=${kind}`));
    assert.equal(await isConfirmed('hold'), false);
    await decide(9, { kind: 'hold', reason: 'I look at the disk first' });
    assert.match(
      await page('/incidents/9?done=hold'),
      /role="status"[^>]*>Held: no audit repairs it until it is reopened\./,
    );
    for (const kind of ['excuse', 'nonsense', 'constructor', ''])
      assert.equal(await isConfirmed(kind), false);
    await decide(9, { kind: 'note', reason: 'later' });
    assert.equal(await isConfirmed('hold'), false);
  });

  test('to reopen is said to wait for the next audit, until one has written of it', async () => {
    const { desk, decide, page } = await reviewer();
    const waiting = 'It was reopened: the next audit judges it anew.';
    saysNot(await page('/incidents/9'), waiting);
    await decide(9, { kind: 'reopen', reason: '' });
    await decide(9, { kind: 'note', reason: 'the disk is back' });
    says(await page('/incidents/9'), waiting, 'Reopened, which ended what was decided before, by Vid');
    const last = desk.entries.at(-1)!;
    desk.entries.push({ ...last, seq: last.seq + 1, kind: 'repair.not_done', body: { started: 16 } });
    saysNot(await page('/incidents/9'), waiting);
  });

  test('that cannot be read is refused in words, and what was typed is kept', async () => {
    const { desk, decide } = await reviewer();
    const refused = [
      [9, { kind: 'excuse', reason: '  ' }, 'An excuse needs its reason.'],
      [9, { kind: 'hold', reason: '\u200b\u2060' }, 'A hold needs its reason.'],
      [9, { kind: 'note', reason: '\r\n' }, 'A note needs its text.'],
      [
        9,
        { kind: 'note', reason: 'x'.repeat(2_001) },
        'This has 2,001 characters, and the ledger takes 2,000 at most.',
      ],
      [13, { kind: 'resolve', reason: 'I <am> sure' }, 'Choose one of the candidates.'],
      [13, { kind: 'resolve', reason: 'I <am> sure', candidate: 'capture:1; drop' }, 'Choose one of'],
      [9, { kind: 'delete', reason: '' }, 'This is no decision.'],
      [9, { reason: '' }, 'This is no decision.'],
    ] as const;
    for (const [id, fields, text] of refused) {
      const answer = await decide(id, fields);
      assert.equal(answer.status, 400);
      const html = await answer.text();
      assert.match(html, /role="alert"/);
      says(html, `Nothing was written. ${text}`);
      if ('kind' in fields && fields.kind !== 'delete') {
        assert.match(html, new RegExp(`id="reason-${fields.kind}"[^>]*aria-invalid="true"`));
        says(html, fields.reason.trim());
      }
    }
    assert.deepEqual(desk.decided, []);
  });

  test('that the desk refuses is shown with its reason, and what was typed and chosen is kept', async () => {
    const { desk, decide } = await reviewer();
    desk.decide = async () => {
      const { UsageError } = await import('../../src/errors.ts');
      throw new UsageError('the ledger is behind <its> head');
    };
    const answer = await decide(13, { kind: 'resolve', candidate: `artifact:${shas[1]}`, reason: 'sure' });
    assert.equal(answer.status, 400);
    const html = await answer.text();
    says(html, 'Nothing was written. The ledger is behind <its> head');
    assert.match(html, new RegExp(`value="artifact:${shas[1]}" checked`));
    assert.doesNotMatch(html, new RegExp(`value="artifact:${shas[0]}" checked`));
    assert.match(html, />sure<\/textarea>/);
    // Not offered any more, but somebody typed into it.
    says(await (await decide(9, { kind: 'acknowledge', reason: 'I know' })).text(), 'I know');
  });

  test('about what is not there is a 404, and a failure of the desk is no confirmation', async () => {
    const { decide, desk } = await reviewer();
    assert.equal((await decide(999, { kind: 'note', reason: 'x' })).status, 404);
    assert.equal((await decide(999, { kind: 'note', reason: '' })).status, 404);
    desk.decide = async () => {
      throw new Error('disk full');
    };
    const { error } = console;
    console.error = () => {};
    try {
      assert.equal((await decide(9, { kind: 'note', reason: 'x' })).status, 500);
    } finally {
      console.error = error;
    }
  });
});

describe('the ledger', () => {
  test('shows entries newest first, with their bodies and hashes, page by page', async () => {
    const { desk, page } = await reviewer();
    const html = await page('/ledger');
    const seqs = (text: string) => [...text.matchAll(/id="entry-(\d+)"/g)].map(([, seq]) => Number(seq));
    assert.deepEqual(seqs(html), [18, 17, 16, 15, 14, 13, 12, 11]);
    says(html, `Head: 18 ${desk.entries[17]!.hash}`, desk.entries[16]!.hash, '"certain": true');
    assert.match(html, /rel="next" href="\/ledger\?before=11"/);
    assert.deepEqual(seqs(await page('/ledger?before=3')), [2, 1]);
    assert.deepEqual(seqs(await page('/ledger?kind=repair.done')), [17]);
    const older = await page('/ledger?kind=gap.written_off');
    assert.match(older, /href="\/ledger\?kind=gap\.written_off&amp;before=5"/);
    const unread = await page('/ledger?kind=nonsense&before=x');
    assert.deepEqual(seqs(unread).length, 8);
    says(unread, 'This could not be read, and restricts nothing: before, kind.');
    says(await page('/ledger?at=9999'), 'The ledger has no entry 9999 yet; these are its newest.');
  });

  test('opens the entry that a timeline leads to', async () => {
    const { page } = await reviewer();
    const html = await page('/ledger?at=9');
    assert.match(html, /<li id="entry-9"><details open/);
    assert.equal(html.match(/<details open/g)?.length, 1);
  });

  test('is verified, with and without a head that was seen outside', async () => {
    const { desk, page, get } = await reviewer();
    const rows = ['intact 9', 'overwritten by the live pipeline, which is no fault 1', 'deleted since 0'];
    says(await page('/ledger/verify'), 'intact The ledger is intact', 'Nothing was compared', ...rows);
    const anchor = `9 ${desk.entries[8]!.hash}`;
    const good = await page(`/ledger/verify?anchor=${encodeURIComponent(anchor)}`);
    says(good, 'Head of entry 9: agrees');
    const bad = await page(`/ledger/verify?anchor=${encodeURIComponent(`9 ${'0'.repeat(64)}`)}`);
    says(
      bad,
      'not intact The ledger does not agree',
      'does not agree; look first whether the line was copied whole (its hash is another)',
    );
    const nonsense = await get('/ledger/verify?anchor=non<sense');
    assert.equal(nonsense.status, 400);
    const html = await nonsense.text();
    says(html, '"non<sense" is no head');
    assert.match(html, /name="anchor" value="non&lt;sense"/);
  });

  test('that is broken, or speaks of rows that were changed, is said to be so', async () => {
    const { desk, page } = await reviewer();
    const whole = await desk.verify(null);
    const problems = [{ seq: 4, what: 'entry 4 does not have the hash of its content' }];
    desk.verify = async () => ({ ...whole, problems, rows: null });
    says(
      await page('/ledger/verify'),
      'not intact The ledger is not what was written.',
      '4 entry 4 does not have the hash',
      'The source was not asked.',
    );
    desk.verify = async () => ({ ...whole, rows: { intact: 8, overwritten: 0, changed: 1, deleted: 0 } });
    says(await page('/ledger/verify'), 'but rows that were repaired are not as they were written');
  });

  test('is exported line by line', async () => {
    const { desk, get } = await reviewer();
    const answer = await get('/ledger/export');
    assert.equal(answer.headers.get('content-type'), 'application/x-ndjson');
    assert.equal(
      answer.headers.get('content-disposition'),
      'attachment; filename="roundwarden-ledger.ndjson"',
    );
    const lines = (await answer.text()).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      desk.entries,
    );
  });
});

describe('reports and packets', () => {
  test('reports are listed with their formats', async () => {
    const { page } = await reviewer();
    const html = await page('/reports');
    says(html, '2026-02-16 gaps 2026-02-16: 4 of 12 rounds are lost', 'no rounds');
    // Five files of two reports, and the page of each once more by its name.
    assert.equal(html.match(/href="\/reports\//g)?.length, 7);
    assert.match(html, /href="\/reports\/production\/2026-02-16\.csv"/);
  });

  test('a report comes with the hash of its own style, and no other page does', async () => {
    const { get } = await reviewer();
    const answer = await get('/reports/production/2026-02-16.html');
    const html = await answer.text();
    const style = /<style>([\s\S]*)<\/style>/.exec(html)![1]!;
    const hash = createHash('sha256').update(style).digest('base64');
    const policy = answer.headers.get('content-security-policy')!;
    assert.ok(policy.includes(`style-src 'self' 'sha256-${hash}'`), policy);
    assert.doesNotMatch(policy, /unsafe/);
    assert.doesNotMatch((await get('/reports')).headers.get('content-security-policy')!, /sha256/);
  });

  test('a report has the way back, and to the incidents of its day', async () => {
    const { get } = await reviewer();
    const html = await (await get('/reports/production/2026-02-16.html')).text();
    const links = [...html.matchAll(/<a href="([^"]*)"/g)].map(([, link]) => link);
    assert.deepEqual(links, ['/', '/reports', '/incidents?status=all&amp;day=2026-02-16']);
  });

  test('a report that has more than one style gets none', async () => {
    const { desk, get } = await reviewer();
    desk.reportFile = async () => new TextEncoder().encode('<style>a{}</style><style>b{}</style>');
    const answer = await get('/reports/production/2026-02-16.html');
    assert.doesNotMatch(answer.headers.get('content-security-policy')!, /sha256/);
  });

  test('each file has its type', async () => {
    const { get } = await reviewer();
    const packet = '/packets/production-2026-02-16-212429-etl_adlernest-R2-9856';
    const text = 'text/plain; charset=utf-8';
    const types: [string, string, string | null][] = [
      ['/reports/production/2026-02-16.html', 'text/html; charset=utf-8', null],
      ['/reports/production/2026-02-16.md', 'text/markdown; charset=utf-8', null],
      ['/reports/production/2026-02-16.json', 'application/json; charset=utf-8', null],
      [
        '/reports/production/2026-02-16.csv',
        'text/csv; charset=utf-8',
        'attachment; filename="production-2026-02-16.csv"',
      ],
      [`${packet}/README.md`, text, null],
      [`${packet}/verdict.json`, text, null],
      [`${packet}/logs/console.log`, text, null],
      [`${packet}/SHA256SUMS`, text, null],
      [`${packet}/artifacts/dump.bin`, 'application/octet-stream', 'attachment; filename="dump.bin"'],
    ];
    for (const [path, type, disposition] of types) {
      const { status, headers } = await get(path);
      assert.equal(status, 200, path);
      assert.equal(headers.get('content-type'), type, path);
      assert.equal(headers.get('content-disposition'), disposition, path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    }
  });
});

describe('for machines', () => {
  test('/healthz says whether the ledger answers', async () => {
    const { desk, app } = await reviewer();
    const good = await app.request('/healthz');
    assert.equal(good.status, 200);
    assert.deepEqual(await good.json(), { ok: true, lastAuditAt: '2026-02-18T06:57:02.600Z' });
    desk.change.health = false;
    assert.equal((await app.request('/healthz')).status, 503);
  });

  /** The values of a text of Prometheus, by name and labels. */
  function values(text: string): Map<string, number> {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => {
        const found = /^([a-z0-9_]+(?:\{[^}]*\})?) (-?[\d.e+]+)$/.exec(line);
        assert.ok(found, `"${line}" is no measurement`);
        return [found[1]!, Number(found[2])];
      }),
    );
  }

  test('/metrics measures anew at each request, each gauge with its help', async () => {
    const { desk, app } = await reviewer();
    const get = () => app.request('/metrics', { headers: { Authorization: `Bearer ${token}` } });
    const answer = await get();
    assert.match(answer.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    const measured = values(text);
    const expected: Record<string, number> = {
      'roundwarden_rounds{round="R1",state="live"}': 8,
      'roundwarden_rounds{round="R2",state="repaired"}': 4,
      'roundwarden_rounds{round="R2",state="pending"}': 2,
      'roundwarden_rounds{round="R2",state="open"}': 2,
      'roundwarden_rounds{round="R2",state="set_aside"}': 1,
      'roundwarden_rounds{round="R2",state="lost"}': 10,
      'roundwarden_coverage_ratio{round="R1"}': 1,
      'roundwarden_coverage_ratio{round="R2"}': 8 / 21,
      'roundwarden_open_gaps{verdict="ambiguous"}': 1,
      roundwarden_last_audit_timestamp_seconds: 1771397822.6,
      roundwarden_last_audit_duration_seconds: 2.5,
      roundwarden_last_audit_exit_code: 3,
      'roundwarden_outbox_messages{state="dead"}': 1,
      roundwarden_ledger_seq: 18,
    };
    for (const [name, value] of Object.entries(expected))
      assert.ok(Math.abs((measured.get(name) ?? Number.NaN) - value) < 1e-9, name);
    const names = new Set([...measured.keys()].map((name) => name.replace(/\{.*/, '')));
    for (const name of names) assert.match(text, new RegExp(`# HELP ${name} \\w`));
    assert.deepEqual(values(await (await get()).text()), measured);

    desk.measurements = async () => ({
      ...{ coverage: { r1: coverageOf([]), r2: coverageOf([]) }, openByVerdict: {}, lastAudit: null },
      ...{ outbox: { queued: 0, sent: 0, dead: 0, oldestQueuedAt: null }, ledgerSeq: 0 },
    });
    const empty = values(await (await get()).text());
    assert.equal(empty.get('roundwarden_ledger_seq'), 0);
    for (const name of empty.keys()) assert.doesNotMatch(name, /last_audit|ratio|open_gaps/);
  });
});
