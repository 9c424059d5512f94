import type { Command } from 'commander';
import {
  chosenServers,
  command,
  endsForAll,
  endsForEach,
  environmentInHand,
  shared,
} from './command-line.ts';

interface DoctorOptions {
  json?: boolean;
  acceptance?: boolean;
}

async function runDoctor(options: DoctorOptions, _: Command): Promise<number> {
  const { json, nowMs } = shared(options);
  const { doctorDocument, doctorExitCode, examine, printDoctor } = await import('./doctor.ts');
  const acceptance = options.acceptance === true;
  const report = await examine({ environment: environmentInHand(), acceptance, nowMs });
  const { sayJson } = await import('./print.ts');
  if (json) sayJson(doctorDocument(report));
  else printDoctor(report);
  return doctorExitCode(report);
}

/** doctor. */
export function addDoctorCommands(program: Command): void {
  command(program, 'doctor', 'checks configuration, databases, places, logs, ledger, outbox, and the hosts')
    .option('--acceptance', 'only the acceptance criteria of the February work; 3 while one of them fails')
    .action(async (options: DoctorOptions, of: Command) => {
      // A file of servers that cannot be read is what the doctor has to say, line by line.
      const canRead = await chosenServers(undefined).then(
        () => true,
        () => false,
      );
      await (canRead ? endsForEach : endsForAll)(runDoctor)(options, of);
    });
}
