import '../../jobs/utc.ts';
import { Command } from 'commander';
import { addServeCommands } from '../../jobs/commands-serve.ts';
import { exitCodeOfFailure, messageOf } from '../../src/errors.ts';

/** The command `serve` as a process of its own, with the environment that it is given. */

const program = new Command('roundwarden').exitOverride();
addServeCommands(program);
try {
  await program.parseAsync(['serve', ...process.argv.slice(2)], { from: 'user' });
} catch (thrown) {
  process.stderr.write(`${messageOf(thrown)}\n`);
  process.exitCode = exitCodeOfFailure(thrown);
}
