import type { Command } from 'commander';
import { command, ends, settings, shared } from './command-line.ts';

/** Resolves at the first signal that asks this process to end; a second one ends it at once. */
function askedToEnd(): Promise<void> {
  return new Promise((asked) => {
    const end = () => {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
      asked();
    };
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
  });
}

/** Serves the pages until the process is asked to end, and says where they are. */
async function serveUntilAsked(json: boolean): Promise<void> {
  const config = settings();
  const { openLog } = await import('../src/log.ts');
  const { serve } = await import('./serve.ts');
  const asked = askedToEnd();
  const { url, madeToken, close } = await serve(config, {
    log: openLog(config.logLevel),
    nowMs: Date.now,
    isTerminal: process.stdout.isTTY === true,
  });
  const { say, sayJson } = await import('./print.ts');
  if (json) sayJson({ url, token: madeToken });
  else say(`the review pages are at ${url}`);
  if (!json && madeToken !== null) say(`token, for this process only: ${madeToken}`);
  await asked;
  // Whoever still waits for an answer of a database does not keep the process.
  (await import('./stopping.ts')).endWithinGrace();
  await close();
}

/** serve. */
export function addServeCommands(program: Command): void {
  command(program, 'serve', 'the review pages, until SIGINT or SIGTERM').action(
    ends(async (options: { json?: boolean }) => {
      const { json } = shared(options);
      const { keepingConnections } = await import('../src/database-kept.ts');
      await keepingConnections(() => serveUntilAsked(json));
      return 0;
    }),
  );
}
