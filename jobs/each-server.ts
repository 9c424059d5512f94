import { printableLines } from '../src/core/printable.ts';
import { exitCodeOfFailure, failureText, StoppedError } from '../src/errors.ts';
import type { Server } from '../src/servers.ts';
import { collectJson, colours, say, sayJson } from './print.ts';

/** What a command came to for one server: its document, or why there is none. */
interface Outcome {
  name: string;
  exitCode: number;
  result?: unknown;
  error?: string;
}

/** From the one that most needs a person to the one that needs nobody. */
const worstFirst = [1, 2, 3, 4, 0];

/** Of several exit codes the worst: 1, then 2, 3, 4, and 0 where all are 0. */
export function worstExitCode(codes: readonly number[]): number {
  return worstFirst.find((code) => codes.includes(code)) ?? Math.max(0, ...codes);
}

interface Asked {
  json: boolean;
  /** The command for one server; answers with its exit code. */
  work: (server: Server) => Promise<number>;
}

async function outcomeOf(
  server: Server,
  { json, work }: Asked,
): Promise<{ outcome: Outcome; isStopped: boolean }> {
  const { name } = server;
  try {
    let exitCode = 0;
    const run = async () => {
      exitCode = await work(server);
    };
    if (!json) {
      await run();
      return { outcome: { name, exitCode }, isStopped: false };
    }
    const [result = null] = await collectJson(run);
    return { outcome: { name, exitCode, result }, isStopped: false };
  } catch (thrown) {
    const outcome = { name, exitCode: exitCodeOfFailure(thrown), error: failureText(thrown) };
    process.stderr.write(`roundwarden: ${name}: ${printableLines(outcome.error)}\n`);
    return { outcome, isStopped: thrown instanceof StoppedError };
  }
}

/**
 * Runs a command for each server in turn, and answers with the worst of their exit codes. One that fails keeps no other
 * from its turn; where the process is asked to end, the others have none.
 */
export async function forEachServer(servers: readonly Server[], asked: Asked): Promise<number> {
  const outcomes: Outcome[] = [];
  for (const server of servers) {
    if (!asked.json) say(`${outcomes.length === 0 ? '' : '\n'}${colours.bold(`== ${server.name}`)}`);
    const { outcome, isStopped } = await outcomeOf(server, asked);
    outcomes.push(outcome);
    if (isStopped) break;
  }
  if (asked.json) sayJson({ servers: outcomes });
  return worstExitCode(outcomes.map(({ exitCode }) => exitCode));
}
