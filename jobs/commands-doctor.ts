import type { Command } from 'commander';
import { readEnvironment } from '../src/config.ts';
import { command, ends, shared } from './command-line.ts';

/** doctor. */
export function addDoctorCommands(program: Command): void {
  command(program, 'doctor', 'checks configuration, databases, places, logs, ledger, outbox, and the hosts')
    .option('--acceptance', 'only the acceptance criteria of the February work; 3 while one of them fails')
    .action(
      ends(async (options: { json?: boolean; acceptance?: boolean }) => {
        const { json, nowMs } = shared(options);
        const { doctorDocument, doctorExitCode, examine, printDoctor } = await import('./doctor.ts');
        const environment = readEnvironment(process.env);
        const report = await examine({ environment, acceptance: options.acceptance === true, nowMs });
        const { sayJson } = await import('./print.ts');
        if (json) sayJson(doctorDocument(report));
        else printDoctor(report);
        return doctorExitCode(report);
      }),
    );
}
