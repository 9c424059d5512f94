/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import type { Context, Hono } from 'hono';
import { admission } from './admission.ts';
import { errorPage, type LogFailure, logToStandardError, notFoundPage, onlyErrors } from './errors-page.tsx';
import {
  onlyFormBodies,
  onlyFormsChange,
  onlyOurForms,
  onlyOwnForms,
  onlySmallBodies,
} from './form-check.ts';
import { protectiveHeaders } from './headers.ts';
import { addLogin } from './login.tsx';
import { newSessions } from './session.ts';

/** Who is logged in. */
export interface Session {
  /** As they typed it at the login, on one line. */
  name: string;
  /** What a form of this session carries in its field `csrf`. */
  csrf: string;
}

/** What a route finds in its context. The session is there on every page that is not open to everybody. */
export type Env = { Variables: { session: Session; styleHashes?: string[] } };

export interface GuardOptions {
  /** `WEB_TOKEN`: the only secret. */
  token: string;
  /** Unix milliseconds. */
  nowMs: () => number;
  /** `SOURCE_NAME`: stands on the login page. */
  source: string;
  /** Who is counted when logins fail; by default the other end of the connection. */
  remoteAddress?: ((c: Context) => string) | undefined;
  /** Where failures of the pages are written; by default standard error. */
  log?: LogFailure | undefined;
}

/**
 * Registers everything that stands between the world and the pages: call it before any route is added. `/login` and
 * `/logout` come with it, and so do the answers to unknown paths and to what routes throw.
 */
export function addGuard(app: Hono<Env>, options: GuardOptions): void {
  const sessions = newSessions();
  app.onError(errorPage(options.log ?? logToStandardError));
  app.notFound(notFoundPage);
  app.use('*', protectiveHeaders);
  app.use('*', onlyFormsChange);
  app.use('*', onlyOwnForms);
  app.use('*', admission(options, sessions));
  app.use('*', onlyFormBodies);
  app.use('*', onlySmallBodies);
  app.use('*', onlyOurForms);
  app.use('*', onlyErrors);
  addLogin(app, options, sessions);
}
