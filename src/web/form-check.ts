import { createMiddleware } from 'hono/factory';
import { problem } from './errors-page.tsx';
import { formType, isForm, readForm, takeBody } from './form.ts';
import type { Env } from './guard.tsx';
import { isForeign } from './same-origin.ts';
import { sameSecret } from './session.ts';

const mostBytes = 64 * 1_024;

/** Pages are read by GET and HEAD, and everything that changes something is a form. */
export const onlyFormsChange = createMiddleware<Env>(async (c, next) => {
  if (['GET', 'HEAD', 'POST'].includes(c.req.method)) return next();
  c.header('Allow', 'GET, HEAD, POST');
  return problem(c, 405, {
    title: 'Method not allowed',
    text: 'Pages are read by GET; what changes something is sent by POST.',
  });
});

/** Refuses a form that another site sent, before anything else is looked at. */
export const onlyOwnForms = createMiddleware<Env>(async (c, next) => {
  if (c.req.method !== 'POST' || !isForeign(c)) return next();
  return problem(c, 403, {
    title: 'Refused',
    text: 'This form was not sent from a page of this address, so nothing was done.',
  });
});

/** Refuses a body that is no form. */
export const onlyFormBodies = createMiddleware<Env>(async (c, next) => {
  if (c.req.method !== 'POST' || isForm(c)) return next();
  return problem(c, 415, { title: 'Not a form', text: `Expected a body of type ${formType}.` });
});

/** Refuses a body of more than 64 kB, also one that does not say how long it is. */
export const onlySmallBodies = createMiddleware<Env>(async (c, next) => {
  if (c.req.method !== 'POST' || (await takeBody(c, mostBytes))) return next();
  return problem(c, 413, { title: 'Too large', text: 'A form may hold 64 kB at most.' });
});

/** Refuses a form without the field `csrf` of its own session. The login has no session yet. */
export const onlyOurForms = createMiddleware<Env>(async (c, next) => {
  if (c.req.method !== 'POST' || c.req.path === '/login') return next();
  const { csrf } = await readForm(c);
  if (csrf !== undefined && sameSecret(csrf, c.get('session').csrf)) return next();
  return problem(c, 403, {
    title: 'Refused',
    text: 'This form is of an earlier login, so nothing was done. Load the page again and send it once more.',
  });
});
