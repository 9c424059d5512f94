import { Argument, type Command } from 'commander';
import { UsageError } from '../src/errors.ts';
import {
  command,
  commandOfAll,
  ends,
  endsForAll,
  endsForEach,
  progressOf,
  settings,
  shared,
  wholeNumber,
} from './command-line.ts';
import { completionScript, type Shell, shells } from './completion.ts';

interface BackupOptions {
  json?: boolean;
  to?: string;
  keep?: string;
}

async function runBackup(options: BackupOptions): Promise<number> {
  const { json, nowMs } = shared(options);
  const keep = options.keep === undefined ? null : wholeNumber(options.keep, '--keep');
  if (keep === 0) throw new UsageError('--keep 0 would keep none, not even the new one: give 1 or more');
  const { backup, backupExitCode, printBackup } = await import('./backup.ts');
  const progress = progressOf(json);
  const request = { config: settings(), to: options.to ?? null, keep, nowMs, progress };
  const made = await backup(request).finally(() => progress.stop());
  const { sayJson } = await import('./print.ts');
  if (json) sayJson(made);
  else printBackup(made);
  return backupExitCode(made);
}

interface InitOptions {
  json?: boolean;
  yes?: boolean;
  set?: string[];
  overwrite?: boolean;
  doctor: boolean;
}

async function runInit(options: InitOptions): Promise<number> {
  const { json, nowMs } = shared(options);
  const { checkText, initialiseAsking, initialiseUnasked } = await import('./init.ts');
  const { readEnvironment } = await import('../src/config.ts');
  const { say, sayJson } = await import('./print.ts');
  const { hostZone } = await import('./host-zone.ts');
  const request = {
    directory: process.cwd(),
    environment: process.env,
    given: options.set ?? [],
    hostZone: hostZone(),
    nowMs,
  };
  if (!options.yes && (json || !process.stdin.isTTY || !process.stdout.isTTY))
    throw new UsageError(
      'init asks, and this is no terminal (or --json was given): add --yes, and give settings by --set NAME=VALUE or the environment',
    );
  const done = options.yes
    ? await initialiseUnasked(request, { overwrite: options.overwrite === true })
    : await initialiseAsking(request, { input: process.stdin, output: process.stdout });
  if (done === null) {
    say('nothing was written');
    return 0;
  }
  if (!json) {
    say(done.changed.length === 0 ? `${done.path}: nothing to change` : `${done.path}: written`);
    for (const check of done.seen) if (check.state !== 'ok') say(`${check.name}\n${checkText(check)}`);
  }
  if (!options.doctor) {
    if (json) sayJson({ ...done, doctor: null });
    return 0;
  }
  const { doctorDocument, examine, printDoctor } = await import('./doctor.ts');
  const environment = readEnvironment(process.env);
  const report = await examine({ environment, acceptance: false, nowMs });
  if (json) sayJson({ ...done, doctor: doctorDocument(report) });
  else {
    say();
    printDoctor(report);
    say('\nnext: `roundwarden plan` shows what an audit would do, and writes nothing');
  }
  return 0;
}

/** init, migrate, backup, completion. */
export function addOperateCommands(program: Command): void {
  commandOfAll(program, 'init', 'asks for the settings, writes .env for its owner alone, and runs doctor')
    .option('--yes', 'asks nothing: takes --set, the environment, what .env holds, and what init suggests')
    .option(
      '--set <name=value...>',
      'a setting; `ps` shows it, so give secrets by the environment or NAME_FILE',
    )
    .option('--overwrite', 'with --yes: also change what .env sets otherwise')
    .option('--no-doctor', 'leaves doctor out')
    .action(endsForAll(runInit));

  command(program, 'migrate', 'brings the ledger to the newest schema; every command that writes does so too')
    .option('--dry-run', 'only shows what is pending; exits 3 where something is')
    .action(
      endsForEach(async (options: { json?: boolean; dryRun?: boolean }) => {
        const { json } = shared(options);
        const { migratedExitCode, migrateLedger, printMigrated } = await import('./migrate.ts');
        const result = await migrateLedger(settings(), { dryRun: options.dryRun === true });
        const { sayJson } = await import('./print.ts');
        if (json) sayJson(result);
        else printMigrated(result);
        return migratedExitCode(result);
      }),
    );

  command(program, 'backup', 'copies the ledger while it is used, reads the copy back, and adds the evidence')
    .option(
      '--to <dir>',
      'a directory (default: DATA_DIR/backups), or one new file ending in .sqlite or .dump',
    )
    .option('--keep <count>', 'removes older backups of the directory beyond so many, after success')
    .action(ends(runBackup));

  program
    .command('completion')
    .description('prints a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .exitOverride()
    .action(
      endsForAll(async (shell: Shell) => {
        process.stdout.write(completionScript(program, shell));
        return 0;
      }),
    );
}
