import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { contentSecurityPolicy } from '../../src/web/headers.ts';
import { localPath } from '../../src/web/local-path.ts';
import { type Failure, mostFailures, secondsToWait, withFailure } from '../../src/web/login-limit.ts';
import { cleanName, endSession, newSession, newSessions, readSession } from '../../src/web/session.ts';
import { form, guardedApp, logIn, startMs, token, withServer } from './visitor.tsx';

const browser = { Accept: 'text/html,application/xhtml+xml' };
const bearer = { Authorization: `Bearer ${token}` };

describe('every response', () => {
  const expected = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  };

  for (const [what, path, status] of [
    ['a page', '/who', 200],
    ['an open answer', '/healthz', 200],
    ['a path that leads nowhere', '/nowhere', 404],
    ['an asset that is not there', '/assets/no.css', 404],
    ['a failure', '/fails', 500],
    ['something thrown that is no error', '/text', 500],
    ['an answer whose headers are fixed', '/fixed', 303],
  ] as const)
    test(`carries the protective headers: ${what}`, async () => {
      const { headers, status: seen } = await guardedApp().app.request(path, { headers: bearer });
      assert.equal(seen, status);
      for (const [name, value] of Object.entries(expected)) assert.equal(headers.get(name), value, name);
      const policy = headers.get('content-security-policy')!;
      assert.match(policy, /^default-src 'none'; style-src 'self'; /);
      assert.match(headers.get('permissions-policy')!, /^camera=\(\), /);
    });

  test('has no script, no frame and no foreign form by its policy', () => {
    assert.equal(
      contentSecurityPolicy(),
      "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
  });

  test('admits the hashes of styles that a page names, and nothing else', async () => {
    const answer = await guardedApp().app.request('/styled', { headers: bearer });
    const policy = answer.headers.get('content-security-policy')!;
    assert.match(policy, new RegExp(`; style-src 'self' 'sha256-${'A'.repeat(43)}='; img-src`));
  });

  test('does not say what serves it', async () => {
    const { headers } = await guardedApp().app.request('/boasts', { headers: bearer });
    assert.equal(headers.get('server'), null);
    assert.equal(headers.get('x-powered-by'), null);
  });

  test('of an asset may be kept as the asset says', async () => {
    const answer = await guardedApp().app.request('/assets/style.css');
    assert.equal(answer.headers.get('cache-control'), 'max-age=3600');
  });
});

describe('without a session', () => {
  test('a browser is sent to the login, which knows where it wanted to go', async () => {
    const { app } = guardedApp();
    const answer = await app.request('/who?map=é&x=1', { headers: browser });
    assert.equal(answer.status, 303);
    const location = answer.headers.get('location')!;
    assert.equal(location, `/login?next=${encodeURIComponent('/who?map=%C3%A9&x=1')}`);
    const page = await (await app.request(location, { headers: browser })).text();
    assert.match(page, /name="next" value="\/who\?map=%C3%A9&amp;x=1"/);
  });

  test('a program is told so in a line', async () => {
    const answer = await guardedApp().app.request('/who');
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="roundwarden"');
    assert.match(await answer.text(), /^Not logged in: /);
  });

  test('a form that a browser sends is not done, and the login says so', async () => {
    const { app } = guardedApp();
    const answer = await app.request('/say', form({ text: 'x' }, browser));
    assert.equal(answer.headers.get('location'), '/login?unsent');
    assert.match(await (await app.request('/login?unsent')).text(), /role="alert">Your session has ended/);
  });

  test('health, assets and the login are open for reading', async () => {
    const { app } = guardedApp();
    for (const path of ['/healthz', '/assets/style.css', '/login'])
      for (const method of ['GET', 'HEAD'])
        assert.equal((await app.request(path, { method })).status, 200, `${method} ${path}`);
    for (const path of ['/healthz', '/assets/style.css'])
      assert.equal((await app.request(path, form({}))).status, 401, path);
    for (const path of ['/Login', '/login/', '/login/x', '/assets', '/healthz/', '//login', '/assets/../who'])
      assert.equal((await app.request(path)).status, 401, path);
  });

  test('the token itself reads, and never writes', async () => {
    const { app } = guardedApp();
    for (const method of ['GET', 'HEAD'])
      assert.equal((await app.request('/metrics', { method, headers: bearer })).status, 200);
    assert.equal((await app.request('/who', { headers: { Authorization: `bearer ${token}` } })).status, 200);
    assert.equal((await app.request('/say', form({ csrf: '' }, bearer))).status, 401);
    for (const wrong of ['Bearer wrong', `Basic ${token}`, token, 'Bearer', `Bearer ${token} x`])
      assert.equal((await app.request('/who', { headers: { Authorization: wrong } })).status, 401, wrong);
  });

  test('guessing by the Authorization header ends as soon as guessing at the login does, apart from it', async () => {
    const { app, clock } = guardedApp();
    const wrong = { Authorization: 'Bearer wrong' };
    for (let n = 0; n < 5; n++) assert.equal((await app.request('/who', { headers: wrong })).status, 401);
    const answer = await app.request('/who', { headers: bearer });
    assert.equal(answer.status, 429);
    assert.equal(answer.headers.get('retry-after'), '60');
    await logIn(app);
    clock.nowMs += 60_000;
    assert.equal((await app.request('/who', { headers: bearer })).status, 200);
  });
});

describe('the login', () => {
  test('gives a session that only this site sees, for twelve hours', async () => {
    const { app, clock } = guardedApp();
    const answer = await app.request('/login', form({ name: ' Ána\u202e \n Ž ', token, next: '/who?a=b' }));
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.get('location'), '/who?a=b');
    const [cookie, ...attributes] = answer.headers.get('set-cookie')!.split('; ');
    assert.deepEqual(attributes.sort(), ['HttpOnly', 'Max-Age=43200', 'Path=/', 'SameSite=Strict']);
    const who = async () => await (await app.request('/who', { headers: { Cookie: cookie! } })).text();
    assert.equal(await who(), 'Ána Ž');
    clock.nowMs += 12 * 3_600_000 - 1;
    assert.equal(await who(), 'Ána Ž');
    clock.nowMs += 1;
    assert.match(await who(), /^Not logged in/);
  });

  test('gives a secure cookie where the browser came by https', async () => {
    const { app } = guardedApp();
    const cookie = async (url: string, headers: Record<string, string>) =>
      (await app.request(url, form({ name: 'Ana', token }, headers))).headers.get('set-cookie')!;
    assert.match(await cookie('https://127.0.0.1/login', {}), /; Secure/);
    assert.match(await cookie('/login', { 'X-Forwarded-Proto': 'https, http' }), /; Secure/);
    assert.doesNotMatch(await cookie('/login', { 'X-Forwarded-Proto': 'http' }), /Secure/);
  });

  test('gives a fresh session each time, and a restart ends all', async () => {
    const { app } = guardedApp();
    const [one, other] = [await logIn(app), await logIn(app)];
    assert.notEqual(one.cookie, other.cookie);
    assert.notEqual(one.csrf, other.csrf);
    const restarted = guardedApp().app;
    for (const { cookie } of [one, other])
      assert.equal((await restarted.request('/who', { headers: { Cookie: cookie } })).status, 401);
  });

  test('keeps the name and never the token when it is refused', async () => {
    const { app } = guardedApp();
    const answer = await app.request('/login', form({ name: '"><b>', token: 'wrong-token-here' }));
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get('set-cookie'), null);
    const page = await answer.text();
    assert.match(page, /value="&quot;&gt;&lt;b&gt;"/);
    assert.match(page, /role="alert">That is not the token\./);
    assert.doesNotMatch(page, /wrong-token-here/);
  });

  test('wants a name', async () => {
    const { app } = guardedApp();
    for (const name of ['', ' \u200b\n', 'x'.repeat(81)])
      assert.equal((await app.request('/login', form({ name, token }))).status, 400);
    assert.equal((await app.request('/login', form({ token }))).status, 400);
    assert.equal((await app.request('/login', form({ name: '🦊'.repeat(80), token }))).status, 303);
  });

  test('does not take the token from the address', async () => {
    const answer = await guardedApp().app.request(`/login?token=${encodeURIComponent(token)}&name=Ana`);
    assert.equal(answer.headers.get('set-cookie'), null);
    assert.doesNotMatch(await answer.text(), /battery/);
  });

  test('sends who is logged in on at once', async () => {
    const { app } = guardedApp();
    const { cookie } = await logIn(app);
    const answer = await app.request('/login?next=/who', { headers: { Cookie: cookie } });
    assert.equal(answer.headers.get('location'), '/who');
  });

  test('ends at the logout, which is a form like any other', async () => {
    const { app } = guardedApp();
    const { cookie, csrf } = await logIn(app);
    assert.equal((await app.request('/logout', form({}, { Cookie: cookie }))).status, 403);
    const answer = await app.request('/logout', form({ csrf }, { Cookie: cookie }));
    assert.equal(answer.status, 303);
    assert.match(
      answer.headers.get('set-cookie')!,
      /^roundwarden=; Max-Age=0; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    assert.equal((await app.request('/who', { headers: { Cookie: cookie } })).status, 401);
  });

  test('refuses the right token, too, after five failures of one address in a minute', async () => {
    let address = '192.0.2.1';
    const { app, clock } = guardedApp({ remoteAddress: () => address });
    const attempt = (given: string) => app.request('/login', form({ name: 'Ana', token: given }));
    for (let n = 0; n < 5; n++) {
      assert.equal((await attempt(`wrong ${n}`)).status, 401);
      clock.nowMs += 1_000;
    }
    const refused = await attempt(token);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('retry-after'), '55');
    assert.match(await refused.text(), /Too many attempts\. Try again in 55 seconds/);
    address = '192.0.2.2';
    assert.equal((await attempt(token)).status, 303);
    address = '192.0.2.1';
    clock.nowMs += 55_000;
    assert.equal((await attempt(token)).status, 303);
  });

  test('counts attempts that are made at the same time one by one', async () => {
    const { app } = guardedApp();
    const all = await Promise.all(
      Array.from({ length: 40 }, () => app.request('/login', form({ name: 'Ana', token: 'wrong' }))),
    );
    assert.equal(all.filter(({ status }) => status === 401).length, 5);
  });
});

describe('the limit of logins', () => {
  const failures = (count: number, address: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => ({ address: address(n), atMs: startMs + n }));

  for (const [what, before, address, atMs, seconds] of [
    ['nothing happened', [], 'a', startMs, 0],
    ['four failures', failures(4, () => 'a'), 'a', startMs + 10, 0],
    ['five failures', failures(5, () => 'a'), 'a', startMs + 10, 60],
    ['five failures of somebody else', failures(5, () => 'b'), 'a', startMs + 10, 0],
    ['thirty failures of thirty others', failures(30, String), 'a', startMs + 30, 60],
    ['twenty-nine failures of others', failures(29, String), 'a', startMs + 30, 0],
    ['the first of five is a minute old', failures(5, () => 'a'), 'a', startMs + 60_000, 0],
    ['the clock was set back by an hour', failures(5, () => 'a'), 'a', startMs - 3_600_000, 0],
  ] as const)
    test(`asks to wait ${seconds} seconds when ${what}`, () => {
      assert.equal(secondsToWait(before, address, atMs), seconds);
    });

  test('remembers no more than thirty failures, and forgets old ones', () => {
    let state: readonly Failure[] = [];
    for (let n = 0; n < 10_000; n++) {
      const failure = { address: `address ${n}`, atMs: startMs + n * 10 };
      if (secondsToWait(state, failure.address, failure.atMs) === 0) state = withFailure(state, failure);
      assert.ok(state.length <= mostFailures.overall);
    }
    assert.equal(withFailure(state, { address: 'a', atMs: startMs + 1e9 }).length, 1);
  });
});

describe('a session cookie', () => {
  const sessions = newSessions();
  const { keys } = sessions;
  const good = newSession('Ána 🦊', startMs, sessions);
  const [payload, signature] = good.split('.') as [string, string];
  const read = (cookie: string | undefined) => readSession(cookie, startMs, sessions);

  test('says who is logged in, beside other cookies', () => {
    assert.equal(read(`a=b; roundwarden=${good}; roundwardenx=1`)?.name, 'Ána 🦊');
  });

  const raw = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  for (const [what, cookie] of [
    ['no cookie', undefined],
    ['an empty header', ''],
    ['an empty value', 'roundwarden='],
    ['two of the name', `roundwarden=${good}; roundwarden=${good}`],
    ['another name', `Roundwarden=${good}`],
    ['no signature', `roundwarden=${payload}`],
    ['an empty signature', `roundwarden=${payload}.`],
    ['a signature cut short', `roundwarden=${good.slice(0, -1)}`],
    ['a signature in other letters', `roundwarden=${payload}.${signature.toUpperCase()}`],
    ['a third part', `roundwarden=${good}.${signature}`],
    ['a changed payload', `roundwarden=${raw({ name: 'Eve', id: 'x', expires: 9e15 })}.${signature}`],
    ['no base64 at all', 'roundwarden=%%%.%%%'],
    ['ten thousand characters', `roundwarden=${'A'.repeat(10_000)}.${signature}`],
    ['quotes around it', `roundwarden="${good}"`],
    ['the keys of another process', `roundwarden=${newSession('Ana', startMs, newSessions())}`],
    ['a session that has ended', `roundwarden=${newSession('Ana', startMs - 43_200_000, sessions)}`],
  ] as const)
    test(`is none with ${what}`, () => assert.equal(read(cookie), null));

  test('that we signed but that says something else is none', async () => {
    const { createHmac } = await import('node:crypto');
    const sign = (text: string) => createHmac('sha256', keys.cookie).update(text).digest('base64url');
    for (const text of [
      '',
      raw(null),
      raw({}),
      raw([1]),
      raw({ name: 1, id: 'x', expires: 9e15 }),
      'AAAA',
      '%',
    ])
      assert.equal(read(`roundwarden=${text}.${sign(text)}`), null, text);
  });

  test('that was logged out is none, and is remembered no longer than it would have been good', () => {
    const own = newSessions();
    const hourMs = 3_600_000;
    const begun = Array.from({ length: 24 }, (_, hour) => {
      const atMs = startMs + hour * hourMs;
      return { atMs, cookie: `roundwarden=${newSession('Ana', atMs, own)}` };
    });
    for (const { atMs, cookie } of begun) {
      assert.equal(readSession(cookie, atMs, own)?.name, 'Ana');
      for (const _ of [1, 2]) endSession(cookie, atMs, own);
      assert.equal(readSession(cookie, atMs, own), null);
    }
    assert.equal(own.loggedOut.size, 12);
    const lastMs = begun.at(-1)!.atMs;
    for (const { cookie } of begun) assert.equal(readSession(cookie, lastMs, own), null);
  });

  test('that is none ends nothing', () => {
    const own = newSessions();
    for (const cookie of [undefined, `roundwarden=${good}`, 'roundwarden=%'])
      endSession(cookie, startMs, own);
    assert.equal(own.loggedOut.size, 0);
  });

  test('is signed by another key than its forms', () => assert.ok(!keys.cookie.equals(keys.csrf)));
});

describe('a name', () => {
  for (const [typed, name] of [
    ['Ana', 'Ana'],
    ['  Ana \t\r\n Novak ', 'Ana Novak'],
    ['A\u0000\u001b[31m\u202eb', 'A [31m b'],
    ['\ud800x', '\ufffdx'],
    ['', null],
    ['\u200b\u2066', null],
    ['x'.repeat(81), null],
  ] as const)
    test(`${JSON.stringify(typed).slice(0, 40)} becomes ${JSON.stringify(name)}`, () =>
      assert.equal(cleanName(typed), name));
});

describe('the path to go on to', () => {
  for (const path of ['/', '/incidents/7', '/incidents?map=a%2Fb&page=2', '/ledger?q=//x', '/a/%5C/b'])
    test(`is ${path}`, () => assert.equal(localPath(path), path));

  for (const path of [
    undefined,
    '',
    'incidents',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/a\\b',
    '/..//evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    '/%2e%2e//evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '/\t/evil.example',
    '/a\r\nSet-Cookie: x=1',
    '/\u0000',
    ' //evil.example',
    '/login?next=/login',
    '/logout',
    `/${'x'.repeat(2_000)}`,
  ])
    test(`is the overview for ${JSON.stringify(path)?.slice(0, 40)}`, () =>
      assert.equal(localPath(path), '/'));

  test('goes into a header as ASCII', () => assert.equal(localPath('/ž\ud800'), '/%C5%BE%EF%BF%BD'));
});

describe('a form', () => {
  const send = async (fields: Record<string, string>, headers: Record<string, string> = {}) => {
    const { app } = guardedApp();
    const { cookie, csrf } = await logIn(app);
    const filled = fields.csrf === 'own' ? { ...fields, csrf } : fields;
    const answer = await app.request(
      '/say',
      form(filled, { Cookie: cookie, Host: 'warden.example:8787', ...headers }),
    );
    return [answer.status, await answer.text()] as const;
  };

  test('with the field of its session is done, and the route reads it again', async () => {
    assert.deepEqual(await send({ csrf: 'own', text: 'ž&=' }), [200, 'Ana said ž&=']);
  });

  for (const [what, headers] of [
    ['of this origin', { Origin: 'http://warden.example:8787', 'Sec-Fetch-Site': 'same-origin' }],
    ['of this origin before a proxy', { Origin: 'https://warden.example', Host: 'warden.example' }],
    ['of this origin with its own port', { Origin: 'https://warden.example', Host: 'warden.example:443' }],
    ['that was not sent by a page', { 'Sec-Fetch-Site': 'none' }],
    ['with a charset', { 'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8' }],
  ] as const)
    test(`${what} is done`, async () => assert.equal((await send({ csrf: 'own' }, headers))[0], 200));

  for (const [what, headers] of [
    ['of another host', { Origin: 'http://evil.example' }],
    ['of another port', { Origin: 'http://warden.example' }],
    ['of a host that begins alike', { Origin: 'http://warden.example:8787.evil.example' }],
    ['of a host with this one as its user', { Origin: 'http://warden.example:8787@evil.example' }],
    ['of no origin', { Origin: 'null' }],
    ['of an empty origin', { Origin: '' }],
    ['of a file', { Origin: 'file://warden.example:8787' }],
    ['of another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['of a sibling', { 'Sec-Fetch-Site': 'same-site' }],
  ] as const)
    test(`${what} is refused, the field being right`, async () => {
      const [status, text] = await send({ csrf: 'own' }, headers);
      assert.deepEqual([status, text.slice(0, 8)], [403, 'Refused:']);
    });

  for (const [what, fields] of [
    ['without the field', {}],
    ['with an empty field', { csrf: '' }],
    ['with a wrong field', { csrf: 'A'.repeat(43) }],
  ] as const)
    test(`${what} is refused`, async () => assert.equal((await send(fields))[0], 403));

  test('of another type is refused', async () => {
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', ''])
      assert.equal((await send({ csrf: 'own' }, { 'Content-Type': type }))[0], 415, type);
  });

  test('of more than 64 kB is refused', async () => {
    assert.equal((await send({ csrf: 'own', text: 'x'.repeat(65_000) }))[0], 200);
    const answer = await send({ csrf: 'own', text: 'x'.repeat(65_536) }, { 'Content-Length': '70000' });
    assert.equal(answer[0], 413);
    assert.equal((await send({ csrf: 'own', text: 'x'.repeat(65_536) }))[0], 413);
  });

  test('of the login is refused from elsewhere, so that nobody is logged in as somebody else', async () => {
    const { app } = guardedApp();
    for (const [header, value] of [
      ['Origin', 'https://evil.example'],
      ['Sec-Fetch-Site', 'cross-site'],
    ] as const) {
      const answer = await app.request('/login', form({ name: 'Eve', token }, { [header]: value }));
      assert.deepEqual([answer.status, answer.headers.get('set-cookie')], [403, null]);
    }
  });
});

describe('a failure', () => {
  test('that a person can mend is told, escaped', async () => {
    const answer = await guardedApp().app.request('/usage', { headers: { ...bearer, ...browser } });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /there is no candidate &lt;b&gt;7&lt;\/b&gt;/);
  });

  test('of the program is logged, and its details are not told', async () => {
    const { app, logged } = guardedApp();
    for (const accept of ['text/html', '*/*'])
      for (const path of ['/fails', '/text']) {
        const answer = await app.request(path, { headers: { ...bearer, Accept: accept } });
        assert.equal(answer.status, 500);
        assert.doesNotMatch(await answer.text(), /secret|srv|\bat app/i);
      }
    assert.equal(logged.length, 4);
    assert.match(logged[0]!, /^GET \/fails failed: secret-password/);
    assert.match(logged[1]!, /^GET \/text failed: .*secret-text/);
  });
});

describe('over HTTP', () => {
  const asForm = (fields: Record<string, string>, headers: Record<string, string> = {}) => {
    const { body, ...rest } = form(fields, headers);
    return { ...rest, body };
  };

  test('somebody logs in, sends a form and logs out', async () => {
    await withServer(guardedApp().app, async (send, port) => {
      const own = { Origin: `http://127.0.0.1:${port}`, 'Sec-Fetch-Site': 'same-origin' };
      const door = await send({ path: '/who', headers: browser });
      assert.deepEqual([door.status, door.headers.location], [303, '/login?next=%2Fwho']);
      const login = await send({ path: '/login', ...asForm({ name: 'Ana', token, next: '/who' }, own) });
      assert.deepEqual([login.status, login.headers.location], [303, '/who']);
      const cookie = login.headers['set-cookie']![0]!.split(';')[0]!;
      const page = await send({ path: '/', headers: { Cookie: cookie } });
      assert.equal(page.headers['x-frame-options'], 'DENY');
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)![1]!;
      const said = await send({
        path: '/say',
        ...asForm({ csrf, text: 'hello' }, { ...own, Cookie: cookie }),
      });
      assert.equal(said.text, 'Ana said hello');
      const out = await send({ path: '/logout', ...asForm({ csrf }, { ...own, Cookie: cookie }) });
      assert.match(out.headers['set-cookie']![0]!, /^roundwarden=; Max-Age=0/);
    });
  });

  test('a body without a length is counted, too', async () => {
    const { app } = guardedApp();
    const { cookie, csrf } = await logIn(app);
    const headers = { Cookie: cookie, 'Content-Type': 'application/x-www-form-urlencoded' };
    await withServer(app, async (send) => {
      const piece = 'x'.repeat(16_384);
      const small = [`csrf=${csrf}&text=`, 'a', 'b'];
      const answer = await send({ method: 'POST', path: '/say', headers, body: small });
      assert.deepEqual([answer.status, answer.text], [200, 'Ana said ab']);
      const large = [`csrf=${csrf}&text=`, piece, piece, piece, piece];
      assert.equal((await send({ method: 'POST', path: '/say', headers, body: large })).status, 413);
    });
  });

  test('each address is counted by its connection', async () => {
    await withServer(guardedApp().app, async (send) => {
      const attempt = async () =>
        (await send({ path: '/login', ...asForm({ name: 'a', token: 'wrong' }) })).status;
      assert.deepEqual(await Promise.all(Array.from({ length: 5 }, attempt)), [401, 401, 401, 401, 401]);
      assert.equal(await attempt(), 429);
    });
  });

  test('two Cookie headers are two cookies', async () => {
    const { app } = guardedApp();
    const { cookie } = await logIn(app);
    await withServer(app, async (send) => {
      assert.equal((await send({ path: '/who', headers: { Cookie: [cookie] } })).status, 200);
      assert.equal(
        (await send({ path: '/who', headers: { Cookie: [cookie, 'roundwarden=x'] } })).status,
        401,
      );
    });
  });

  test('nothing but GET, HEAD and POST is served', async () => {
    const { app } = guardedApp();
    const { cookie } = await logIn(app);
    await withServer(app, async (send) => {
      for (const method of ['OPTIONS', 'TRACE', 'PUT', 'DELETE', 'PATCH', 'PROPFIND'])
        for (const path of ['/who', '/login', '/healthz', '/assets/style.css']) {
          const answer = await send({ method, path, headers: { Cookie: cookie } });
          assert.deepEqual(
            [answer.status, answer.headers.allow],
            [405, 'GET, HEAD, POST'],
            `${method} ${path}`,
          );
          assert.equal(answer.headers['x-frame-options'], 'DENY');
        }
    });
  });

  test('what is no HTTP does not bring it down', async () => {
    await withServer(guardedApp().app, async (send, port) => {
      for (const bytes of [
        '\u0000\u0001\r\n\r\n',
        'GET / HTTP/1.1\r\n\r\n',
        'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
      ])
        await new Promise<void>((resolve) => {
          const socket = connect(port, '127.0.0.1', () => socket.end(bytes, 'latin1'));
          socket.on('error', () => {});
          socket.on('close', () => resolve());
          socket.resume();
        });
      assert.equal((await send({ path: '/healthz' })).text, 'ok');
    });
  });

  test('a form that breaks off is no failure of the program', async () => {
    const { app, logged } = guardedApp();
    await withServer(app, async (send, port) => {
      await new Promise<void>((resolve) => {
        const head = 'POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n';
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(`${head}Content-Length: 100\r\n\r\nname=`, () => socket.destroy());
        });
        socket.on('close', () => resolve());
      });
      assert.equal((await send({ path: '/healthz' })).text, 'ok');
    });
    assert.deepEqual(logged, []);
  });
});
