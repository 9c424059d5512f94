/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import type { Context, Hono } from 'hono';
import { deleteCookie, setCookie } from 'hono/cookie';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { longestName } from '../core/incident.ts';
import { readForm } from './form.ts';
import type { Env, GuardOptions } from './guard.tsx';
import { Page } from './layout.tsx';
import { localPath } from './local-path.ts';
import {
  cleanName,
  endSession,
  newSession,
  type Sessions,
  sessionCookie,
  sessionSeconds,
} from './session.ts';
import { tokenCheck } from './token-check.ts';

interface LoginProps {
  source: string;
  /** Where to go on to; a path of these pages. */
  next: string;
  name?: string;
  /** What went wrong, in a sentence. */
  problem?: string | undefined;
}

/** The page before all others. It says which installation it belongs to, and nothing else. */
function LoginPage(props: LoginProps) {
  const { source, next, name = '', problem } = props;
  return (
    <Page title="Log in" session={null}>
      <h1>Log in</h1>
      <p>
        Review pages of <strong>{source}</strong>.
      </p>
      {problem !== undefined && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
      <form method="post" action="/login">
        <input type="hidden" name="next" value={next} />
        <p>
          <label for="name">Who are you?</label>
          <input
            id="name"
            name="name"
            value={name}
            required
            maxlength={longestName}
            autocomplete="name"
            aria-describedby="why"
          />
          <small id="why">Your name stands in the ledger beside each of your decisions.</small>
        </p>
        <p>
          <label for="token">Token</label>
          <input id="token" name="token" type="password" required autocomplete="current-password" />
        </p>
        <button type="submit">Log in</button>
      </form>
      {next !== '/' && (
        <p>
          You are logged in already, and a link from elsewhere led you here?{' '}
          <a href={next}>Go on to {next}</a>
        </p>
      )}
    </Page>
  );
}

/** Registers `/login` and `/logout`. What is sent to them has passed the checks of forms by then. */
export function addLogin(app: Hono<Env>, options: GuardOptions, sessions: Sessions): void {
  const { source, nowMs } = options;
  const check = tokenCheck(options);

  app.get('/login', (c) => {
    const next = localPath(c.req.query('next'));
    if (c.get('session') !== undefined) return c.redirect(next, 303);
    const problem =
      c.req.query('unsent') === undefined
        ? undefined
        : 'Your session has ended. What you sent last was not done.';
    return c.html(<LoginPage source={source} next={next} problem={problem} />);
  });

  app.post('/login', async (c) => {
    const form = await readForm(c);
    const [next, name] = [localPath(form.next), cleanName(form.name ?? '')];
    const again = (status: ContentfulStatusCode, problem: string) =>
      c.html(<LoginPage source={source} next={next} name={name ?? ''} problem={problem} />, status);

    const answer = check(c, form.token ?? '');
    if (answer.is === 'not_asked') {
      c.header('Retry-After', String(answer.waitSeconds));
      return again(429, `Too many attempts. Try again in ${answer.waitSeconds} seconds.`);
    }
    if (answer.is === 'wrong') return again(401, 'That is not the token.');
    if (name === null) return again(400, 'Say who you are, in 1 to 80 characters.');
    const cookie = { ...cookieOptions(c), maxAge: sessionSeconds };
    setCookie(c, sessionCookie, newSession(name, nowMs(), sessions), cookie);
    return c.redirect(next, 303);
  });

  app.post('/logout', (c) => {
    endSession(c.req.header('cookie'), nowMs(), sessions);
    deleteCookie(c, sessionCookie, cookieOptions(c));
    return c.redirect('/login', 303);
  });
}

/** Secure where the browser came by https, to us or to the proxy before us. */
function cookieOptions(c: Context) {
  const forwarded = c.req.header('x-forwarded-proto')?.split(',')[0]?.trim().toLowerCase();
  const secure = c.req.url.startsWith('https:') || forwarded === 'https';
  return { path: '/', httpOnly: true, sameSite: 'Strict', secure } as const;
}
