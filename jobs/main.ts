#!/usr/bin/env node
import './utc.ts';
import { Command, CommanderError } from 'commander';
import { printableLines } from '../src/core/printable.ts';
import { exitCodeOfFailure, LeaseHeldError, messageOf, OperationError, UsageError } from '../src/errors.ts';
import { addAuditCommands } from './commands-audit.ts';
import { addDoctorCommands } from './commands-doctor.ts';
import { addIncidentCommands } from './commands-incidents.ts';
import { addLedgerCommands } from './commands-ledger.ts';
import { addNotifyCommands } from './commands-notify.ts';
import { addReportCommands } from './commands-report.ts';
import { addServeCommands } from './commands-serve.ts';

const exitCodes = `
Exit codes: 0 clean; 1 the run failed; 2 wrong usage or configuration; 3 ran, and something is open
(or undelivered, or a problem for doctor); 4 another run holds the lease.`;

const program = new Command('roundwarden')
  .description(
    'Finds played rounds without a capture, repairs what can be repaired, and keeps a ledger of what is lost.',
  )
  .addHelpText('after', exitCodes)
  .showHelpAfterError('(see --help)')
  .exitOverride();

addAuditCommands(program);
addIncidentCommands(program);
addLedgerCommands(program);
addNotifyCommands(program);
addReportCommands(program);
addServeCommands(program);
addDoctorCommands(program);

/** Which exit code a failure has (DESIGN, Commands). */
function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  return exitCodeOfFailure(thrown);
}

// A reader that has seen enough (`| head`) is no defect, and does not change what the command comes to.
process.stdout.on('error', (thrown: NodeJS.ErrnoException) => {
  if (thrown.code !== 'EPIPE') throw thrown;
});

/** What the world can do to a command: said in full by its message, where a defect shows its place too. */
function isExpected(thrown: unknown): boolean {
  if (thrown instanceof UsageError || thrown instanceof OperationError || thrown instanceof LeaseHeldError)
    return true;
  // Databases and the system give their errors a code.
  return thrown instanceof Error && typeof (thrown as { code?: unknown }).code === 'string';
}

function messageFor(thrown: unknown): string {
  if (isExpected(thrown)) return messageOf(thrown);
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

try {
  await program.parseAsync();
} catch (thrown) {
  process.exitCode = exitCodeOf(thrown);
  if (!(thrown instanceof CommanderError))
    process.stderr.write(`roundwarden: ${printableLines(messageFor(thrown))}\n`);
}
