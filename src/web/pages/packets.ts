import type { Context } from 'hono';
import { fileName } from '../../core/names.ts';
import type { Desk } from '../desk.ts';
import type { Env } from '../guard.tsx';
import { isPlainPath } from './query.ts';

/** What people read in the browser. Nothing of a packet is ever shown as a page: it quotes the game's world. */
const readable = /(?:\.(?:md|json|ndjson|log|txt|csv)|^SHA256SUMS)$/;

/** `/packets/FOLDER/FILE`: one file of a triage packet. */
export function packetFile(desk: Desk) {
  return async (c: Context<Env>) => {
    const [folder = '', ...rest] = c.req.path.slice('/packets/'.length).split('/');
    const file = rest.join('/');
    if (!isPlainPath(folder) || !isPlainPath(file)) return c.notFound();
    const bytes = await desk.packetFile(folder, file);
    if (bytes === null) return c.notFound();
    const name = fileName(file);
    const isText = readable.test(name);
    c.header('Content-Type', isText ? 'text/plain; charset=utf-8' : 'application/octet-stream');
    c.header('X-Content-Type-Options', 'nosniff');
    if (!isText) c.header('Content-Disposition', `attachment; filename="${name}"`);
    return c.body(bytes.slice());
  };
}
