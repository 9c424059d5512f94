import { basename } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { parseArtifactName } from '../core/names.ts';
import { pack } from './packed.ts';
import { readArtifactNow } from './read.ts';
import { takePiece, waitForAccepted } from './thread-board.ts';
import type { Answer, Order } from './threads.ts';

/* The other end of threads.ts: reads artifacts piece by piece until none is left, and answers with null then. */

const filesInPiece = 64;
/** So many answers may lie unread, of about 100 kB each: larger ones would be garbage that lies long. */
const mostUnread = 32;

const readPacked = (path: string) =>
  pack(readArtifactNow({ path, name: parseArtifactName(basename(path))! }));

parentPort!.once('message', ({ paths, board }: Order) => {
  const take = () => takePiece(board, { files: paths.length, most: filesInPiece });
  let answered = 0;
  for (let piece = take(); piece !== null; piece = take()) {
    const packed = JSON.stringify(paths.slice(piece.from, piece.to).map(readPacked));
    parentPort!.postMessage({ piece, packed } satisfies Answer);
    answered += 1;
    waitForAccepted(board, answered - mostUnread);
  }
  parentPort!.postMessage(null);
});
