/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import type { Context, MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { printable, printableLines } from '../core/printable.ts';
import { messageOf, OperationError, UsageError } from '../errors.ts';
import type { Env } from './guard.tsx';
import { Page } from './layout.tsx';

/** Where a failure is written down that people are not shown. */
export type LogFailure = (text: string, thrown: unknown) => void;

/** True for a browser; anything else gets a line of text. */
export function wantsPage(c: Context): boolean {
  return (c.req.header('accept') ?? '').toLowerCase().includes('text/html');
}

/** An answer that says what was refused and why: a page for a browser, and otherwise a line. */
export function problem(
  c: Context<Env>,
  status: ContentfulStatusCode,
  said: { title: string; text: string },
): Response | Promise<Response> {
  const { title, text } = said;
  const line = () => c.text(`${title}: ${text}\n`, status);
  if (!wantsPage(c)) return line();
  return page(c, status, said).catch(line);
}

/** Where not even this page can be made, the line is still said. */
async function page(
  c: Context<Env>,
  status: ContentfulStatusCode,
  { title, text }: { title: string; text: string },
): Promise<Response> {
  return c.html(
    <Page title={title} session={c.get('session') ?? null}>
      <h1>{title}</h1>
      <p>{text}</p>
      <p>
        <a href="/">To the overview</a>
      </p>
    </Page>,
    status,
  );
}

/** The answer to a path that leads nowhere. */
export function notFoundPage(c: Context<Env>): Response | Promise<Response> {
  return problem(c, 404, { title: 'Not found', text: 'There is no such page, or it is not there any more.' });
}

/** The answer to whatever a route threw. Only what a person can mend is told; the rest goes to `log`. */
export function errorPage(log: LogFailure) {
  return (thrown: Error, c: Context<Env>): Response | Promise<Response> => {
    if (thrown instanceof UsageError) return problem(c, 400, { title: 'Not possible', text: thrown.message });
    if (thrown instanceof OperationError) {
      log(`${printable(`${c.req.method} ${c.req.path}`)} failed`, thrown);
      return problem(c, 503, { title: 'Not possible now', text: messageOf(thrown) });
    }
    if (thrown instanceof HTTPException && thrown.status < 500)
      return problem(c, thrown.status as ContentfulStatusCode, {
        title: 'Refused',
        text: 'The request cannot be answered as it is.',
      });
    log(`${printable(`${c.req.method} ${c.req.path}`)} failed`, thrown);
    return problem(c, 500, {
      title: 'That failed',
      text: `It is a fault of this program, and was written into its log. ${
        c.req.method === 'POST' ? 'Whether it was written, the ledger shows.' : 'Nothing was changed.'
      }`,
    });
  };
}

/** Makes an error of anything else that a route throws, because the framework hands on only errors. */
export const onlyErrors: MiddlewareHandler<Env> = async (_c, next) => {
  try {
    await next();
  } catch (thrown) {
    throw new Error(`something was thrown that is no error: ${messageOf(thrown)}`);
  }
};

/** Writes to standard error, where the logs of the program go. */
export function logToStandardError(text: string, thrown: unknown): void {
  const details = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  console.error(`${text}: ${printableLines(details)}`);
}
