/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { raw } from 'hono/html';
import type { Child } from 'hono/jsx';
import { CsrfField } from './csrf.tsx';
import type { Session } from './guard.tsx';

const places: readonly (readonly [string, string])[] = [
  ['/', 'Overview'],
  ['/incidents', 'Incidents'],
  ['/reports', 'Reports'],
  ['/ledger', 'Ledger'],
];

function Navigation(props: { current?: string | undefined }) {
  return (
    <nav aria-label="Pages">
      <ul>
        {places.map(([path, name]) => (
          <li>
            <a href={path} aria-current={path === props.current ? 'page' : undefined}>
              {name}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Leave(props: { session: Session }) {
  return (
    <form method="post" action="/logout" class="leave">
      <CsrfField session={props.session} />
      <span>
        Signed in as <strong>{props.session.name}</strong>
      </span>
      <button type="submit" class="quiet">
        Log out
      </button>
    </form>
  );
}

interface PageProps {
  title: string;
  /** Null before somebody has logged in: then there is nothing to navigate to. */
  session: Session | null;
  /** The path of the page in the navigation that this one belongs to. */
  current?: string | undefined;
  children?: Child;
}

/** A whole page. It brings its own `h1` in its children. */
export function Page(props: PageProps) {
  const { title, session, current, children } = props;
  return (
    <>
      {raw('<!doctype html>')}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="robots" content="noindex, nofollow" />
          <title>{`${title} · Roundwarden`}</title>
          <link rel="icon" href="data:," />
          <link rel="stylesheet" href="/assets/style.css" />
        </head>
        <body>
          <a class="skip" href="#content">
            Skip to the content
          </a>
          <header>
            <p class="brand">
              <a href="/">Roundwarden</a>
            </p>
            {session && <Navigation current={current} />}
            {session && <Leave session={session} />}
          </header>
          <main id="content" tabindex={-1}>
            {children}
          </main>
        </body>
      </html>
    </>
  );
}
