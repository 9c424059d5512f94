import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { OperationError, plainError } from '../src/errors.ts';

/** The program that opens a file as its owner likes, by platform. */
function opener(platform: NodeJS.Platform): [string, ...string[]] {
  if (platform === 'darwin') return ['open'];
  return platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open'];
}

/** Opens a file on the desktop. Throws an OperationError, which names the file, where there is none. */
export async function openOnDesktop(path: string): Promise<void> {
  const [program, ...options] = opener(process.platform);
  const child = spawn(program, [...options, resolve(path)], { stdio: 'ignore', detached: true });
  try {
    await once(child, 'spawn');
    child.unref();
  } catch (thrown) {
    throw new OperationError(
      `cannot open ${resolve(path)}: ${program}: ${plainError(thrown)}; open the file in a browser yourself`,
    );
  }
}
