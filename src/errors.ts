/** Something the person who started the command can mend: wrong usage or configuration. Exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** A state of the world that stops this command, said in full; not a defect of the program. Exit code 1. */
export class OperationError extends Error {
  override name = 'OperationError';
}

/** Somebody asked this process to end; nothing more is begun. Exit code 1. */
export class StoppedError extends OperationError {
  override name = 'StoppedError';
}

/** Another run holds the lease. Exit code 4. */
export class LeaseHeldError extends Error {
  override name = 'LeaseHeldError';
}

/** The exit code of a failure (DESIGN, Commands). */
export function exitCodeOfFailure(thrown: unknown): number {
  if (thrown instanceof UsageError) return 2;
  return thrown instanceof LeaseHeldError ? 4 : 1;
}

/** Asked about a ledger that nobody has made so far. */
export const noLedgerYet = () => new UsageError('there is no ledger yet; the first audit makes it');

/** What the world can do to a command: said in full by its message, where a defect shows its place too. */
function isExpected(thrown: unknown): boolean {
  if (thrown instanceof UsageError || thrown instanceof OperationError || thrown instanceof LeaseHeldError)
    return true;
  // Databases and the system give their errors a code.
  return thrown instanceof Error && typeof codeOf(thrown) === 'string';
}

/** What a person reads of a command that failed. */
export function failureText(thrown: unknown): string {
  if (isExpected(thrown)) return messageOf(thrown);
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

/** The message of whatever was thrown, with its causes: what could not be done, and why. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const own = thrown instanceof AggregateError ? thrown.errors.map(messageOf).join('; ') : thrown.message;
  return thrown.cause === undefined ? own || thrown.name : `${own}: ${messageOf(thrown.cause)}`;
}

/** The code of a system error, such as ENOENT. */
export function codeOf(thrown: unknown): string | undefined {
  return (thrown as NodeJS.ErrnoException | null)?.code;
}

const plainWords = new Map([
  ['ENOENT', 'it does not exist'],
  ['ENOTDIR', 'it is not a directory'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['ENOSPC', 'no space is left'],
  ['EIO', 'the disk or share reported an error (EIO)'],
]);

/** A system error in plain words. */
export function plainError(thrown: unknown): string {
  return plainWords.get(codeOf(thrown) ?? '') ?? messageOf(thrown);
}
