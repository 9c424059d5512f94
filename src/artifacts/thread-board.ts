/*
 * What threads share that read one list of files: whoever has time takes the next ones, without asking anybody. A thread
 * that had to ask would stand still while the one that it asks is busy.
 */

/** Two numbers in shared memory: the first file that nobody has taken, and how many answers were accepted. */
export type Board = Int32Array<SharedArrayBuffer>;

const [next, accepted] = [0, 1] as const;

/** Places of files in their list; `to` is not included. */
export interface Piece {
  from: number;
  to: number;
}

/** A board for a list of which nothing was taken. */
export const newBoard = (): Board => new Int32Array(new SharedArrayBuffer(8));

/** The next `most` files of so many, for the caller alone; null where nothing is left. */
export function takePiece(board: Board, { files, most }: { files: number; most: number }): Piece | null {
  // Nobody adds to a list that is at its end, or the number would grow for ever.
  if (Atomics.load(board, next) >= files) return null;
  const from = Atomics.add(board, next, most);
  return from >= files ? null : { from, to: Math.min(files, from + most) };
}

/** Tells those who wait that one more answer was accepted. */
export function noteAccepted(board: Board): void {
  Atomics.add(board, accepted, 1);
  Atomics.notify(board, accepted);
}

/** Stops this thread until all threads together have had so many answers accepted. */
export function waitForAccepted(board: Board, answers: number): void {
  for (let now = Atomics.load(board, accepted); now < answers; now = Atomics.load(board, accepted))
    Atomics.wait(board, accepted, now);
}
