import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type Browser, chromium } from 'playwright-core';
import { createApp } from '../../src/web/app.tsx';
import { newSession, newSessions, sessionSeconds } from '../../src/web/session.ts';
import { deskOfLies, incidentIds, lies } from './desk-of-lies.ts';
import { pageFaults } from './page-faults.ts';
import { type Answer, form, logIn, type Sent, startMs, token, type Visitor, withServer } from './visitor.tsx';

/** What somebody may try against the review pages, and what comes of it. Every attempt is made by plain HTTP. */

const browser = { Accept: 'text/html' };
const decision = { kind: 'note', reason: 'It was played on a test server.' };

interface Scene {
  /** Somebody who is logged in. */
  ana: Visitor;
  /** Somebody else who is. */
  eve: Visitor;
  /** Somebody who was, until the twelve hours were over. */
  late: Visitor;
  /** Somebody who was, and has logged out. */
  gone: Visitor;
}

interface Attempt {
  name: string;
  /** One request, or several, one after the other. */
  request: (scene: Scene) => Sent | Sent[];
  /** Of the last one. */
  status: number;
  check?: (answer: Answer) => void;
}

const read = (path: string, headers: Sent['headers'] = {}): Sent => ({ path, headers });
const decide = (fields: Record<string, string>, headers: Record<string, string> = {}): Sent => ({
  path: '/incidents/1/decide',
  ...form({ ...decision, ...fields }, headers),
});
const login = (fields: Record<string, string>, headers: Record<string, string> = {}): Sent => ({
  path: '/login',
  ...form({ name: 'Eve', ...fields }, headers),
});
const sendTo = (location: string) => (answer: Answer) => assert.equal(answer.headers.location, location);

const value = ({ cookie }: Visitor) => cookie.slice('roundwarden='.length);
const asCookie = (text: string) => ({ Cookie: `roundwarden=${text}` });
const forged = Buffer.from(JSON.stringify({ name: 'Eve', id: 'x', expires: 9e15 })).toString('base64url');

const withoutSession: Attempt[] = [
  { name: 'no token, by a browser', request: () => read('/', browser), status: 303, check: sendTo('/login') },
  { name: 'no token, by a program', request: () => read('/incidents'), status: 401 },
  { name: 'no token, for the metrics', request: () => read('/metrics'), status: 401 },
  { name: 'no token, for the whole ledger', request: () => read('/ledger/export'), status: 401 },
  { name: 'no token, for a path that leads nowhere', request: () => read('/nowhere'), status: 401 },
  {
    name: 'the token in the address',
    request: () => read(`/?token=${encodeURIComponent(token)}`),
    status: 401,
  },
  { name: 'a wrong token', request: () => login({ token: `${token}x` }), status: 401 },
  { name: 'an empty token', request: () => login({ token: '' }), status: 401 },
  {
    name: 'a wrong bearer',
    request: () => read('/metrics', { Authorization: `Bearer ${token}x` }),
    status: 401,
  },
  {
    name: 'the token as a password of Basic',
    request: () => read('/', { Authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}` }),
    status: 401,
  },
  {
    name: 'a cookie of before a restart, when other keys signed',
    request: () => read('/', asCookie(newSession('Ana', startMs, newSessions()))),
    status: 401,
  },
  {
    name: 'a cookie that has expired',
    request: ({ late }) => read('/', { Cookie: late.cookie }),
    status: 401,
  },
  {
    name: 'the cookie of somebody who has logged out',
    request: ({ gone }) => read('/', { Cookie: gone.cookie }),
    status: 401,
  },
  {
    name: 'the cookie of somebody who has logged out, under a decision',
    request: ({ gone }) => decide({ csrf: gone.csrf }, { Cookie: gone.cookie }),
    status: 401,
  },
  {
    name: 'the cookie of somebody who has logged out, under a decision by a browser',
    request: ({ gone }) => decide({ csrf: gone.csrf }, { Cookie: gone.cookie, ...browser }),
    status: 303,
    check: sendTo('/login?unsent'),
  },
  {
    name: 'a cookie with another name in it',
    request: ({ ana }) => read('/', asCookie(`${forged}.${value(ana).split('.')[1]}`)),
    status: 401,
  },
  { name: 'a cookie without a signature', request: () => read('/', asCookie(`${forged}.`)), status: 401 },
  { name: 'a cookie that is no base64', request: () => read('/', asCookie('{"name":"Eve"}')), status: 401 },
  { name: 'a cookie of 12 kB', request: () => read('/', asCookie('A'.repeat(12_000))), status: 401 },
  {
    name: 'a cookie beside the real one',
    request: ({ ana, eve }) => read('/', { Cookie: `${eve.cookie}; ${ana.cookie}` }),
    status: 401,
  },
  {
    name: 'a form without a session, by a browser',
    request: ({ ana }) => decide({ csrf: ana.csrf }, browser),
    status: 303,
    check: sendTo('/login?unsent'),
  },
  {
    name: 'a form with the token as bearer',
    request: () => decide({ csrf: '' }, { Authorization: `Bearer ${token}` }),
    status: 401,
  },
  {
    name: 'an address that begins like the assets',
    request: () => read('/assets/..%2fincidents'),
    status: 404,
  },
  { name: 'a way out of the assets', request: () => read('/assets/../incidents'), status: 401 },
  { name: 'a way out of the assets, encoded', request: () => read('/assets/%2e%2e/incidents'), status: 401 },
  { name: 'the open path in other letters', request: () => read('/HEALTHZ'), status: 401 },
  { name: 'a line end in a path', request: () => read('/packets/packet%0a/README.md'), status: 401 },
  { name: 'an absolute address', request: () => read('http://evil.example/incidents'), status: 401 },
  {
    name: 'an address of another host as a path',
    request: () => read('//evil.example/%2e%2e', browser),
    status: 303,
    check: sendTo('/login'),
  },
];

const forgedForms: Attempt[] = [
  { name: 'no CSRF field', request: ({ ana }) => decide({}, { Cookie: ana.cookie }), status: 403 },
  {
    name: 'an empty CSRF field',
    request: ({ ana }) => decide({ csrf: '' }, { Cookie: ana.cookie }),
    status: 403,
  },
  {
    name: 'the CSRF field of another session',
    request: ({ ana, eve }) => decide({ csrf: eve.csrf }, { Cookie: ana.cookie }),
    status: 403,
  },
  {
    name: 'the CSRF field in the address',
    request: ({ ana }) => ({
      ...decide({}, { Cookie: ana.cookie }),
      path: `/incidents/1/decide?csrf=${ana.csrf}`,
    }),
    status: 403,
  },
  {
    name: 'a decision by GET',
    request: ({ ana }) =>
      read(`/incidents/1/decide?kind=note&reason=x&csrf=${ana.csrf}`, { Cookie: ana.cookie }),
    status: 404,
  },
  ...[
    ['a foreign origin', { Origin: 'https://evil.example' }],
    ['no origin, as a sandboxed frame sends', { Origin: 'null' }],
    ['another port of this host', { Origin: 'http://127.0.0.1:1' }],
    ['a form of another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a form of a sibling', { 'Sec-Fetch-Site': 'same-site' }],
  ].map(
    ([name, headers]): Attempt => ({
      name: `${name}, everything else being right`,
      request: ({ ana }) =>
        decide({ csrf: ana.csrf }, { Cookie: ana.cookie, ...(headers as Record<string, string>) }),
      status: 403,
    }),
  ),
  {
    name: 'a login sent from a foreign origin',
    request: () => login({ token }, { Origin: 'https://evil.example' }),
    status: 403,
  },
  {
    name: 'a login sent from another site',
    request: () => login({ token }, { 'Sec-Fetch-Site': 'cross-site' }),
    status: 403,
  },
  {
    name: 'a logout without the CSRF field',
    request: ({ ana }) => ({ path: '/logout', ...form({}, { Cookie: ana.cookie }) }),
    status: 403,
  },
  ...[
    'text/plain',
    'application/json',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded2',
  ].map(
    (type): Attempt => ({
      name: `a body of type ${type}`,
      request: ({ ana }) => decide({ csrf: ana.csrf }, { Cookie: ana.cookie, 'Content-Type': type }),
      status: 415,
    }),
  ),
  {
    name: 'a body of 100 kB',
    request: ({ ana }) => decide({ csrf: ana.csrf, reason: 'x'.repeat(100_000) }, { Cookie: ana.cookie }),
    status: 413,
  },
  {
    name: 'a body of 100 kB that does not say so',
    request: ({ ana }) => ({
      ...decide({}, { Cookie: ana.cookie }),
      body: [`csrf=${ana.csrf}&kind=note&reason=`, ...Array.from({ length: 10 }, () => 'x'.repeat(10_000))],
    }),
    status: 413,
  },
  {
    name: 'a reason longer than the ledger wants',
    request: ({ ana }) => decide({ csrf: ana.csrf, reason: 'x'.repeat(2_001) }, { Cookie: ana.cookie }),
    status: 400,
  },
  {
    name: 'a decision that there is not',
    request: ({ ana }) => decide({ csrf: ana.csrf, kind: 'constructor' }, { Cookie: ana.cookie }),
    status: 400,
  },
];

const methods: Attempt[] = ['OPTIONS', 'TRACE', 'PUT', 'DELETE', 'PATCH', 'PROPFIND'].flatMap((method) =>
  ['/', '/incidents/1/decide', '/login', '/healthz', '/assets/style.css'].map(
    (path): Attempt => ({
      name: `${method} ${path}`,
      request: ({ ana }) => ({ method, path, headers: { Cookie: ana.cookie } }),
      status: 405,
    }),
  ),
);

const wrongPosts: Attempt[] = ['/', '/incidents', '/ledger/export', '/reports', '/metrics', '/healthz'].map(
  (path) => ({
    name: `POST ${path}, with everything that a form needs`,
    request: ({ ana }) => ({ path, ...form({ csrf: ana.csrf }, { Cookie: ana.cookie }) }),
    status: 404,
  }),
);

const bruteForce: Attempt[] = [
  {
    name: 'the right token after five wrong ones',
    request: () => [...Array.from({ length: 5 }, (_, n) => login({ token: `wrong ${n}` })), login({ token })],
    status: 429,
    check: ({ headers }) => assert.equal(headers['retry-after'], '60'),
  },
  {
    name: 'the right token after five wrong ones of pretended addresses',
    request: () => [
      ...Array.from({ length: 5 }, (_, n) =>
        login({ token: 'wrong' }, { 'X-Forwarded-For': `192.0.2.${n}` }),
      ),
      login({ token }, { 'X-Forwarded-For': '192.0.2.9' }),
    ],
    status: 429,
  },
  {
    name: 'the right bearer after five wrong ones',
    request: () => [
      ...Array.from({ length: 5 }, () => read('/metrics', { Authorization: 'Bearer wrong' })),
      read('/metrics', { Authorization: `Bearer ${token}` }),
    ],
    status: 429,
  },
];

const strangePaths: Attempt[] = (
  [
    ['/packets/..%2f..%2fetc/passwd', 404],
    ['/packets/..%2F..%2F..%2Fetc%2Fpasswd', 404],
    ['/packets/%2e%2e/%2e%2e/etc/passwd', 404],
    ['/packets/packet/..%2fREADME.md', 404],
    ['/packets/packet/..%252f..%252fetc%252fpasswd', 404],
    ['/packets/%252e%252e/README.md', 404],
    ['/packets/packet/README.md%00', 404],
    ['/packets/packet%00/README.md', 404],
    ['/packets/packet/..%5c..%5cREADME.md', 404],
    ['/packets/packet\\README.md', 400],
    ['/packets/packet/%ff%fe', 404],
    ['/packets/packet/%c0%ae%c0%ae%c0%af', 404],
    ['/packets/packet/README.md%0d%0aSet-Cookie:%20x=1', 404],
    ['/packets/packet/%E2%80%AEREADME.md', 404],
    ['/packets//etc/passwd', 404],
    ['/packets/./README.md', 404],
    [`/packets/packet/${'a/'.repeat(2_000)}x`, 404],
    ['/reports/..%2f', 404],
    ['/reports/..%2f..%2fetc%2fpasswd.html', 404],
    ['/reports/../../etc/passwd', 404],
    ['/reports/production/..%2f..%2fx.html', 404],
    ['/reports/production%2f2026-02-28.html', 404],
    ['/reports/production/2026-02-28.html%00.json', 404],
    ['/reports/production/2026-02-28.html%0a', 404],
    ['/reports/production/2026-02-28%0d%0aSet-Cookie:%20x=1.csv', 404],
    ['/reports/', 404],
    ['/reports/.', 404],
    ['/reports/%2e', 404],
    ['/incidents/1%00', 404],
    ['/incidents/-1', 404],
    ['/incidents/1e3', 404],
    ['/incidents/99999999999999999999', 404],
    ['/incidents/constructor', 404],
    ['/%', 404],
    ['/%0d%0aSet-Cookie:%20x=1', 404],
  ] as const
).map(([path, status]) => ({
  name: `GET ${path.slice(0, 60)}`,
  request: ({ ana }) => read(path, { Cookie: ana.cookie }),
  status,
}));

const knownHeaders = new Set(
  `allow cache-control connection content-disposition content-length content-security-policy content-type
  cross-origin-opener-policy cross-origin-resource-policy date keep-alive location permissions-policy referrer-policy
  retry-after transfer-encoding www-authenticate x-content-type-options x-frame-options`.split(/\s+/),
);

/** No header that we do not send, and all that we always send. */
function assertHeaders({ headers, status, text }: Answer): void {
  assert.deepEqual(
    Object.keys(headers).filter((name) => !knownHeaders.has(name)),
    [],
  );
  // The server itself refuses what is no HTTP before it is anybody's request.
  if (status === 400 && text === '') return;
  const policy = String(headers['content-security-policy']);
  assert.match(policy, /^default-src 'none'; style-src 'self'/);
  assert.doesNotMatch(policy, /script|unsafe|\*/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['x-frame-options'], 'DENY');
}

type App = ReturnType<typeof createApp>;

const logInTo = (app: App, name = 'Ana') => logIn(app, name, '/reports');

async function logOutOf(app: App, { cookie, csrf }: Visitor): Promise<void> {
  assert.equal((await app.request('/logout', form({ csrf }, { Cookie: cookie }))).status, 303);
}

const openApp = (lie: string) => {
  const desk = deskOfLies(lie);
  const logged: string[] = [];
  const clock = { nowMs: startMs };
  const app = createApp(desk, {
    token,
    nowMs: () => clock.nowMs,
    source: lie,
    log: (text, thrown) => logged.push(`${text}: ${thrown instanceof Error ? thrown.stack : thrown}`),
  });
  return { app, desk, logged, clock };
};

async function sceneOf(app: App, clock: { nowMs: number }): Promise<Scene> {
  clock.nowMs = startMs - sessionSeconds * 1_000;
  const late = await logInTo(app, 'Late');
  clock.nowMs = startMs;
  const gone = await logInTo(app);
  await logOutOf(app, gone);
  return { ana: await logInTo(app), eve: await logInTo(app, 'Eve'), late, gone };
}

for (const [group, attempts] of Object.entries({
  'without a session, nothing is shown or done:': withoutSession,
  'with a session, nothing is done that its person did not send:': forgedForms,
  'by another method, nothing is done:': [...methods, ...wrongPosts],
  'by guessing, nobody gets in:': bruteForce,
  'by a strange path, nothing else is read:': strangePaths,
}))
  describe(group, () => {
    for (const { name, request, status, check } of attempts)
      test(name, async () => {
        const { app, desk, logged, clock } = openApp('plain');
        const scene = await sceneOf(app, clock);
        await withServer(app, async (send) => {
          const requests = [request(scene)].flat();
          const answers: Answer[] = [];
          for (const one of requests) answers.push(await send(one));
          const last = answers.at(-1)!;
          assert.equal(last.status, status);
          check?.(last);
          for (const answer of answers) assertHeaders(answer);
          assert.doesNotMatch(last.text, /root:|<html>plain|battery/);
        });
        assert.deepEqual(desk.decided, []);
        assert.deepEqual(logged, []);
      });
  });

describe('what is right is done:', () => {
  test('a form with its field, of this origin, in the name of who is logged in', async () => {
    const { app, desk } = openApp('plain');
    const ana = await logInTo(app);
    await withServer(app, async (send, port) => {
      const headers = {
        Cookie: ana.cookie,
        Origin: `http://127.0.0.1:${port}`,
        'Sec-Fetch-Site': 'same-origin',
      };
      const answer = await send(decide({ csrf: ana.csrf, by: 'Eve', name: 'Eve' }, headers));
      assert.equal(answer.status, 303);
      assert.deepEqual(desk.decided, [{ decision, by: 'Ana' }]);
    });
  });

  test('a form of another session of somebody who has logged out elsewhere', async () => {
    const { app, desk } = openApp('plain');
    const [here, elsewhere] = [await logInTo(app), await logInTo(app)];
    await withServer(app, async (send) => {
      await logOutOf(app, elsewhere);
      assert.equal((await send(read('/', { Cookie: elsewhere.cookie }))).status, 401);
      assert.equal((await send(read('/', { Cookie: here.cookie }))).status, 200);
      assert.equal((await send(decide({ csrf: here.csrf }, { Cookie: here.cookie }))).status, 303);
      assert.deepEqual(desk.decided, [{ decision, by: 'Ana' }]);
    });
  });
});

describe('the login leads nowhere else:', () => {
  for (const next of [
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '\\/evil.example',
    '/..//evil.example',
    '/\t/evil.example',
    '/%09/evil.example',
    'javascript:alert(1)',
    '/x\r\nSet-Cookie: x=1',
    '/x\u0000',
    '///evil.example/%2e%2e',
    '/@evil.example',
    '.evil.example',
  ])
    test(JSON.stringify(next), async () => {
      const { app } = openApp('plain');
      await withServer(app, async (send, port) => {
        const page = await send(read(`/login?next=${encodeURIComponent(next)}`));
        assert.deepEqual(pageFaults(page.text), []);
        const answer = await send(login({ token, next }));
        assert.equal(answer.status, 303);
        assert.equal(answer.headers['set-cookie']?.length, 1);
        const landed = new URL(answer.headers.location!, `http://127.0.0.1:${port}/login`);
        assert.equal(landed.origin, `http://127.0.0.1:${port}`);
        assert.match(answer.headers.location!, /^\/(?![/\\])[\u0021-\u007e]*$/);
      });
    });
});

test('what looks for faults of a page finds them', () => {
  for (const html of [
    '<p>a<script>alert(1)</script>',
    '<p title=""><img src=x onerror=alert(1)>">',
    '<p title="" onmouseover="alert(1)">',
    "<input value='' onfocus='alert(1)' autofocus=''>",
    '<a href="javascript:alert(1)//">x</a>',
    '<a href="//evil.example">x</a>',
    '<form action="https://evil.example">',
    '<meta http-equiv="refresh" content="0">',
    '<p>a < b</p>',
    '<p>a\u202eb</p>',
  ])
    assert.equal(pageFaults(html).length > 0, true, html);
  assert.deepEqual(pageFaults('<!doctype html><a href="/x?a=b" class="c">&lt;script&gt;</a><br/>'), []);
});

/** Every page, as somebody who is logged in sees it, and with the lie as what they typed. */
function everyPage(ana: Visitor, lie: string): { sent: Sent; status: number; isOwnText: boolean }[] {
  const own = { Cookie: ana.cookie };
  const typed = encodeURIComponent(lie.toWellFormed());
  const get = (path: string, status = 200, isOwnText = false) => ({
    sent: read(path, own),
    status,
    isOwnText,
  });
  const post = (fields: Record<string, string>) => ({
    sent: decide({ csrf: ana.csrf, ...fields }, { ...own, ...browser }),
    status: 400,
    isOwnText: true,
  });
  return [
    ...['/', '/incidents', '/ledger', '/ledger?at=1', '/ledger/verify', '/reports'].map((path) => get(path)),
    ...incidentIds.map((id) => get(`/incidents/${id}`)),
    get(`/incidents?map=${typed}&verdict=${typed}&cause=${typed}&day=${typed}&page=${typed}`, 200, true),
    get(`/incidents/1?done=${typed}`, 200, true),
    get(`/ledger?kind=${typed}&before=${typed}&at=${typed}`, 200, true),
    get(`/ledger/verify?anchor=${typed}`, 400, true),
    post({ kind: 'hold', reason: lie }),
    post({ kind: 'resolve', candidate: lie, reason: lie }),
    post({ kind: lie, reason: lie }),
    {
      sent: read(`/${encodeURIComponent(lie.toWellFormed())}`, { ...own, ...browser }),
      status: 404,
      isOwnText: true,
    },
    { sent: { ...login({ name: lie, token: lie, next: lie }, browser) }, status: 401, isOwnText: true },
  ];
}

const turning = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

describe('what a player, a map or a log line says is only ever text:', () => {
  for (const [name, lie] of Object.entries(lies))
    test(name, async () => {
      const { app, logged } = openApp(lie);
      const ana = await logInTo(app);
      await withServer(app, async (send) => {
        for (const { sent, status, isOwnText } of everyPage(ana, lie)) {
          const answer = await send(sent);
          const what = `${sent.method ?? 'GET'} ${sent.path}: ${logged.join('\n')}`;
          assert.equal(answer.status, status, what);
          assertHeaders(answer);
          // What one types oneself may stand in its field as it was typed.
          const text = isOwnText ? answer.text.replace(turning, '') : answer.text;
          assert.deepEqual(pageFaults(text), [], what);
        }
      });
      assert.deepEqual(logged, []);
    });

  test('also of somebody whose name is one', async () => {
    for (const lie of Object.values(lies)) {
      const { app } = openApp('plain');
      const eve = await logInTo(app, lie);
      const answer = await app.request('/', { headers: { Cookie: eve.cookie } });
      assert.deepEqual(pageFaults(await answer.text()), []);
    }
  });

  test('files are never pages that do something', async () => {
    for (const lie of Object.values(lies)) {
      const { app } = openApp(lie);
      const own = { Cookie: (await logInTo(app)).cookie };
      await withServer(app, async (send) => {
        for (const [path, type] of [
          ['/packets/packet/README.md', /^text\/plain/],
          ['/ledger/export', /^application\/x-ndjson/],
          ['/metrics', /^text\/plain/],
          ['/reports/production/2026-02-28.json', /^application\/json/],
          ['/reports/production/2026-02-28.html', /^text\/html/],
        ] as const) {
          const answer = await send(read(path, own));
          assert.equal(answer.status, 200, path);
          assert.match(answer.headers['content-type']!, type);
          assertHeaders(answer);
        }
      });
    }
  });
});

const executablePath = '/usr/bin/chromium';

/** Logs in by the form, looks at every page and logs out; what the pages tried meanwhile. */
async function browse(engine: Browser, origin: string): Promise<string[]> {
  const tried: string[] = [];
  const page = await engine.newPage();
  page.on('dialog', (dialog) => {
    tried.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => tried.push(`ran and failed: ${error.message}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:image/')) tried.push(`a request: ${url}`);
  });
  await page.goto(`${origin}/incidents`);
  await page.fill('[name=name]', 'Ana');
  await page.fill('[name=token]', token);
  await Promise.all([page.waitForURL(/\/incidents$/), page.click('form[action="/login"] button')]);
  assert.equal(new URL(page.url()).pathname, '/incidents');
  page.on('console', (message) => {
    if (message.type() === 'error') tried.push(`${page.url()}: ${message.text()}`);
  });
  const paths = ['/', '/incidents', '/incidents/1', `/incidents/${incidentIds.length}`, '/ledger?at=1'];
  for (const path of [...paths, '/ledger/verify', '/reports']) {
    await page.goto(`${origin}${path}`);
    assert.equal(await page.locator('h1').count(), 1, path);
    await page.keyboard.press('Tab');
  }
  page.removeAllListeners('console');
  await page.goto(`${origin}/reports/production/2026-02-28.html`);
  await page.goto(`${origin}/`);
  await page.click('form[action="/logout"] button');
  assert.equal(new URL(page.url()).pathname, '/login');
  await page.close();
  return tried;
}

describe('in a real browser', { skip: existsSync(executablePath) ? false : 'there is no Chromium' }, () => {
  test('people log in and out, and no text of the game does anything', async () => {
    const engine = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    try {
      // All of them at once, and those that only do something where they stand at the beginning.
      for (const lie of [Object.values(lies).join(' '), lies.address!, lies['address of data']!])
        await withServer(openApp(lie).app, async (_send, port) => {
          assert.deepEqual(await browse(engine, `http://127.0.0.1:${port}`), [], lie);
        });
    } finally {
      await engine.close();
    }
  });
});
