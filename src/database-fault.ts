/** What the world does to databases: what it is, and what mends it. By SQLSTATE, or by the code of SQLite. */
const faults: readonly { codes: RegExp; what: string; mend: string }[] = [
  {
    codes: /^(25006|SQLITE_READONLY)/,
    what: 'it may only be read',
    mend: 'let this user write there, or point the setting to the database that is written',
  },
  {
    codes: /^(ECONNREFUSED|57P03)/,
    what: 'no server answers there',
    mend: 'start PostgreSQL, or correct host and port',
  },
  { codes: /^53300/, what: 'no connection is left', mend: 'raise the limit, or end who holds them' },
  { codes: /^(53100|SQLITE_FULL)/, what: 'the disk is full', mend: 'free some space; the next run goes on' },
  {
    codes: /^42501/,
    what: 'this role may not do that',
    mend: 'grant it: `roundwarden doctor` names each right that is missing',
  },
  { codes: /^57014/, what: 'a statement took too long', mend: 'raise statement_timeout of this role' },
  {
    codes: /^(08|57P0|EPIPE|ECONNRESET|ETIMEDOUT)/,
    what: 'the connection was lost',
    mend: 'what was not committed is rolled back; the next run goes on',
  },
  {
    codes: /^SQLITE_NOTADB/,
    what: 'the file is no SQLite database, or is damaged',
    mend: 'correct the path; if it is right, keep the file as it is for whoever looks into it, and put the last backup in its place',
  },
  {
    codes: /^SQLITE_CORRUPT/,
    what: 'the file is damaged',
    mend: 'keep it as it is for whoever looks into it, and put the last backup in its place',
  },
  {
    codes: /^SQLITE_(BUSY|LOCKED)/,
    what: 'another process has it locked',
    mend: 'end that process, or wait; the next run goes on',
  },
  {
    codes: /^SQLITE_(IOERR|CANTOPEN)/,
    what: 'the file cannot be read or written',
    mend: 'look at the disk, and at the rights on the file and its directory',
  },
];

const connectionFailure = '08006';

/** The code of a fault. The driver of PostgreSQL has none for a connection that went away. */
export function faultCode(thrown: unknown): string {
  const { code, message } = thrown as { code?: unknown; message?: unknown };
  if (typeof code === 'string') return code;
  return /Connection (terminated|ended)|not queryable/.test(String(message)) ? connectionFailure : '';
}

/**
 * A fault of the world in words, with what the driver says and the mend, and without the statement; null where
 * it is of another kind, and its statement is what matters.
 */
export function faultText(thrown: Error): string | null {
  const code = faultCode(thrown);
  const found = faults.find(({ codes }) => codes.test(code));
  if (found === undefined) return null;
  const own = thrown.message.slice(thrown.message.lastIndexOf(' - ') + 1).replace(/^- /, '');
  return `${found.what} (${own}); ${found.mend}`;
}
