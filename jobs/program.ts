import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { printableLines } from '../src/core/printable.ts';
import { exitCodeOfFailure, failureText, messageOf, plainError } from '../src/errors.ts';
import { addAuditCommands } from './commands-audit.ts';
import { addDoctorCommands } from './commands-doctor.ts';
import { addIncidentCommands } from './commands-incidents.ts';
import { addLedgerCommands } from './commands-ledger.ts';
import { addNotifyCommands } from './commands-notify.ts';
import { addOperateCommands } from './commands-operate.ts';
import { addReportCommands } from './commands-report.ts';
import { addServeCommands } from './commands-serve.ts';
import { addStartCommands } from './commands-start.ts';
import { addWorkerCommands } from './commands-worker.ts';
import { addExamples } from './examples.ts';
import { findAbove } from './find-above.ts';

const exitCodes = `
Exit codes: 0 clean; 1 the run failed; 2 wrong usage or configuration; 3 ran, and something is open
(or undelivered, or a problem for doctor); 4 another run holds the lease.`;

/** The table of commands. */
function commands(): Command {
  const program = new Command('roundwarden')
    .description(
      'Finds played rounds without a capture, repairs what can be repaired, and keeps a ledger of what is lost.',
    )
    .addHelpText('after', exitCodes)
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .option('-V, --version', 'the version of this program')
    .on('option:version', () => {
      process.stdout.write(`${version()}\n`);
      throw new CommanderError(0, 'roundwarden.version', '');
    });

  addAuditCommands(program);
  addIncidentCommands(program);
  addLedgerCommands(program);
  addNotifyCommands(program);
  addReportCommands(program);
  addServeCommands(program);
  addStartCommands(program);
  addWorkerCommands(program);
  addDoctorCommands(program);
  addOperateCommands(program);
  addExamples(program);
  return program;
}

/** Which exit code a failure has (DESIGN, Commands). */
function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  return exitCodeOfFailure(thrown);
}

/**
 * A reader that has seen enough (`| head`) is no defect, and does not change what the command comes to. Any other reason
 * why the output cannot be written is said once, and the command has failed.
 */
function sayUnwritten(thrown: NodeJS.ErrnoException): void {
  if (thrown.code === 'EPIPE' || unwritten) return;
  unwritten = true;
  process.stderr.write(
    `roundwarden: cannot write the output: ${plainError(thrown)}; what the command did is done, and the ledger has it\n`,
  );
  process.once('exit', () => {
    process.exitCode = 1;
  });
}

let unwritten = false;

/** The version of the package, as its own file says. */
function version(): string {
  const path = findAbove('package.json');
  return path === null ? 'unknown' : (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

/** Whether a document is asked for; also by a line that cannot be understood otherwise. */
function asksForJson([, , ...given]: readonly string[]): boolean {
  const end = given.indexOf('--');
  return (end < 0 ? given : given.slice(0, end)).includes('--json');
}

/** What a program reads of a failure. */
export interface FailureDocument {
  error: { message: string; exitCode: number };
}

/** Commander puts a word before what is wrong with a command line. */
function failureDocument(thrown: unknown, exitCode: number): FailureDocument {
  const message = messageOf(thrown).replace(thrown instanceof CommanderError ? /^error: / : '', '');
  return { error: { message, exitCode } };
}

/**
 * Tells people of a failure on standard error; and a program that asked for a document, on standard output too, unless
 * something stands there already: there is one document.
 */
async function tell(thrown: unknown, exitCode: number): Promise<void> {
  if (!(thrown instanceof CommanderError))
    process.stderr.write(`roundwarden: ${printableLines(failureText(thrown))}\n`);
  if (exitCode === 0 || !asksForJson(process.argv)) return;
  const { hasPrinted, sayJson } = await import('./print.ts');
  if (!hasPrinted()) sayJson(failureDocument(thrown, exitCode));
}

/** Does what the command line asks for; the exit code is the process's. */
export async function run(): Promise<void> {
  process.stdout.on('error', sayUnwritten);
  // Where nothing can be said, the exit code still says what the command came to.
  process.stderr.on('error', () => undefined);
  try {
    await commands().parseAsync();
  } catch (thrown) {
    process.exitCode = exitCodeOf(thrown);
    await tell(thrown, process.exitCode);
  }
}
