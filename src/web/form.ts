import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';

/** The fields of a form as text. Of a field that is sent twice, the last one counts. */
export type Form = Readonly<Record<string, string | undefined>>;

export const formType = 'application/x-www-form-urlencoded';

/** True where the body says that it is a form. Anything else could be sent by a script of another site. */
export function isForm(c: Context): boolean {
  const [type = ''] = (c.req.header('content-type') ?? '').split(';');
  return type.trim().toLowerCase() === formType;
}

/**
 * Reads the whole body, so that everybody after this reads what is kept of it; false where it has more than
 * `mostBytes`, whatever it says of its length. Throws what answers with 400 where it breaks off.
 */
export async function takeBody(c: Context, mostBytes: number): Promise<boolean> {
  if (Number(c.req.header('content-length') ?? 0) > mostBytes) return false;
  const { url, method, headers, body } = c.req.raw;
  const taken = await upTo(body, mostBytes);
  if (taken === null) return false;
  c.req.raw = new Request(url, { method, headers: [...headers], body: taken });
  return true;
}

async function upTo(body: Request['body'], mostBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    // What is left of a body that is too long stays unread: to cancel it would end the connection before the answer.
    for await (const part of body?.values({ preventCancel: true }) ?? []) {
      bytes += part.length;
      if (bytes > mostBytes) return null;
      parts.push(part);
    }
  } catch (cause) {
    throw new HTTPException(400, { cause });
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Reads the body, which is a form; as often as one likes. */
export async function readForm(c: Context): Promise<Form> {
  const body = await c.req.parseBody();
  return Object.fromEntries(Object.entries(body).filter(([, value]) => typeof value === 'string')) as Form;
}
