import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { plainError } from '../src/errors.ts';

/** So long an opener may take to say that it cannot. Some stay until what they show is closed: those are let go. */
const patienceMs = 2_000;

/** The program that opens a file as its owner likes, by platform. */
function opener(platform: NodeJS.Platform): [string, ...string[]] {
  if (platform === 'darwin') return ['open'];
  return platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open'];
}

/** Why an opener has failed; null where it has not, as far as is known after `patienceMs`. */
function failureOf(child: ChildProcess): Promise<string | null> {
  return new Promise((known) => {
    const patience = setTimeout(known, patienceMs, null);
    const end = (why: string | null) => {
      clearTimeout(patience);
      known(why);
    };
    child.once('error', (thrown) => end(plainError(thrown)));
    child.once('exit', (code, signal) => {
      const how = signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`;
      end(code === 0 ? null : how);
    });
  });
}

/**
 * Opens a file on the desktop. Answers with a sentence for people where it could not be opened, and with null otherwise;
 * an opener that is still at work then goes on without us.
 */
export async function openOnDesktop(path: string): Promise<string | null> {
  const file = resolve(path);
  const [program, ...options] = opener(process.platform);
  const child = spawn(program, [...options, file], { stdio: 'ignore', detached: true });
  child.unref();
  const why = await failureOf(child);
  return why === null ? null : `${program} could not open ${file}: ${why}; open it in a browser yourself`;
}
