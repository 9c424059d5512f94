import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Config } from '../src/config.ts';
import { headLine } from '../src/core/head-line.ts';
import { OperationError, UsageError } from '../src/errors.ts';
import {
  command,
  ends,
  endsForEach,
  person,
  progressOf,
  settings,
  shared,
  wholeNumber,
} from './command-line.ts';

interface VerifyOptions {
  json?: boolean;
  anchor?: string[];
  checkpoint?: string[];
  key?: string[];
  proof?: string;
  entry?: string;
  rows: boolean;
}

async function verifyWhole(options: VerifyOptions): Promise<number> {
  const { parseAnchor, printVerification, verifyExitCode, verifyLedger } = await import('./ledger.ts');
  if (options.entry !== undefined) throw new UsageError('--entry says which entry a --proof is about');
  const config = settings();
  const asked = {
    anchors: (options.anchor ?? []).map(parseAnchor),
    checkpoints: options.checkpoint && (await checkpointsToVerify(config, options.checkpoint, options.key)),
    rows: options.rows,
  };
  const check = await verifyLedger(config, asked, progressOf(options.json === true));
  const { sayJson } = await import('./print.ts');
  if (options.json) sayJson(check);
  else printVerification(check);
  return verifyExitCode(check);
}

async function checkpointsToVerify(config: Config, paths: readonly string[], keys: readonly string[] = []) {
  const { verifiersFrom } = await import('./checkpoint.ts');
  const { readCheckpoints } = await import('../src/ledger/checkpoint-files.ts');
  return { files: readCheckpoints(paths), keys: verifiersFrom(config, keys) };
}

async function verifyProof(proof: string, options: VerifyOptions): Promise<number> {
  const { checkProof, printProof } = await import('./checkpoint-check.ts');
  const { verifiersFrom } = await import('./checkpoint.ts');
  const [old = null, ...more] = options.checkpoint ?? [];
  if (more.length > 0 || options.anchor !== undefined)
    throw new UsageError('with --proof there is at most one --checkpoint, the older one, and no --anchor');
  const keys = verifiersFrom(settings(), options.key ?? []);
  const check = await checkProof({ proof, entry: options.entry ?? null, old, keys });
  const { sayJson } = await import('./print.ts');
  if (options.json) sayJson(check);
  else printProof(check);
  return check.ok ? 0 : 1;
}

async function prove(
  seq: string | undefined,
  options: { json?: boolean; checkpoint?: string; since?: string; out?: string },
): Promise<number> {
  const { json, nowMs } = shared(options);
  const { checkpoint = null, since } = options;
  if ((seq === undefined) === (since === undefined) || (since !== undefined && checkpoint !== null))
    throw new UsageError(
      'name either an entry, SEQ [--checkpoint FILE], or an older checkpoint, --since FILE',
    );
  const { proveEntry, proveGrowth } = await import('./checkpoint.ts');
  const made =
    since === undefined
      ? await proveEntry(settings(), { seq: wholeNumber(seq!, 'SEQ'), checkpoint, nowMs })
      : await proveGrowth(settings(), { since, nowMs });
  await writeOut(options.out, made.proof);
  const { print, say, sayJson } = await import('./print.ts');
  if (json) sayJson(made);
  else if (options.out === undefined) print(made.proof);
  else say(`${options.out}: for \`roundwarden ledger verify --proof\`, which needs no ledger`);
  return 0;
}

/** Writes what a person asked for to the file that they named. */
async function writeOut(file: string | undefined, content: string): Promise<void> {
  if (file === undefined) return;
  try {
    await writeFile(file, content);
  } catch (cause) {
    throw new OperationError(`cannot write ${file}`, { cause });
  }
}

/** ledger verify, export, tail, head, key, checkpoint, prove, accept-restore. */
export function addLedgerCommands(program: Command): void {
  const ledger = program.command('ledger').description('the append-only record').exitOverride();

  command(ledger, 'verify', 'every entry re-hashed, every repaired row compared')
    .option('--anchor <line...>', 'a head seen outside, "SEQ HASH"; may be given several times')
    .option(
      '--checkpoint <path...>',
      'a signed checkpoint, or a directory of them; may be given several times',
    )
    .option('--key <key...>', 'the verifier key that counts (default: CHECKPOINT_VERIFIER)')
    .option('--proof <file>', 'what `ledger prove` wrote: checks that alone, and needs no ledger')
    .option('--entry <file>', 'with --proof: the exported entry, where the proof holds none')
    .option('--no-rows', 'the chain only, without asking the source')
    .action(
      endsForEach(
        async (options: VerifyOptions) =>
          options.proof === undefined ? verifyWhole(options) : verifyProof(options.proof, options),
        ({ anchor, checkpoint, proof }) => (anchor ?? checkpoint ?? proof) !== undefined,
      ),
    );

  command(ledger, 'export', 'every entry, one per line (NDJSON)').action(
    ends(async () => {
      const { exportLedger } = await import('./ledger.ts');
      const { print } = await import('./print.ts');
      await exportLedger(settings(), async (line) => {
        if (!process.stdout.writable) return;
        // Rejects where the reader goes away meanwhile; the entry point has an eye on that.
        if (!print(`${line}\n`)) await once(process.stdout, 'drain').catch(() => undefined);
      });
      return 0;
    }),
  );

  command(ledger, 'tail', 'the last entries')
    .option('-n, --lines <count>', 'how many', '20')
    .action(
      ends(async (options: { json?: boolean; lines: string }) => {
        const { printEntries, tailLedger } = await import('./ledger.ts');
        const entries = await tailLedger(settings(), wholeNumber(options.lines, '--lines'));
        const { sayJson } = await import('./print.ts');
        if (options.json) sayJson(entries.map((entry) => ({ ...entry, body: JSON.parse(entry.body) })));
        else printEntries(entries);
        return 0;
      }),
    );

  command(ledger, 'head', 'number and hash of the last entry: keep it outside').action(
    ends(async (options: { json?: boolean }) => {
      const { ledgerHead } = await import('./ledger.ts');
      const head = await ledgerHead(settings());
      const { say, sayJson } = await import('./print.ts');
      if (options.json) sayJson({ ...head, count: head.seq });
      else say(headLine(head));
      return 0;
    }),
  );

  command(
    ledger,
    'key',
    'makes the key that signs checkpoints, and prints the one by which others verify them',
  )
    .option('--name <name>', 'how the ledger is called in its checkpoints (default: roundwarden/SOURCE_NAME)')
    .option('--out <file>', 'where the private key goes (default: DATA_DIR/checkpoint.key)')
    .option('--show', 'makes none: prints the verifier key of CHECKPOINT_KEY')
    .action(
      ends(async (options: { json?: boolean; name?: string; out?: string; show?: boolean }) => {
        const { defaultKeyFile, defaultKeyName, makeKey, ownVerifier } = await import('./checkpoint.ts');
        const { say, sayJson } = await import('./print.ts');
        const config = settings();
        const { name = defaultKeyName(config), out = defaultKeyFile(config) } = options;
        const made = options.show ? { file: null, verifier: ownVerifier(config) } : makeKey({ name, out });
        if (options.json) sayJson(made);
        else {
          say(made.verifier);
          if (made.file !== null)
            say(
              `The private key is in ${made.file}: name it by CHECKPOINT_KEY_FILE, and keep a copy nowhere else.\nGive the line above to whoever shall verify, outside of this host.`,
            );
        }
        return 0;
      }),
    );

  command(ledger, 'checkpoint', 'signs the ledger as it is now')
    .option('--out <file>', 'writes it there too')
    .action(
      ends(async (options: { json?: boolean; out?: string }) => {
        const { json, nowMs } = shared(options);
        const { makeCheckpoint } = await import('./checkpoint.ts');
        const { file, note, said, signedBy } = await makeCheckpoint(settings(), nowMs);
        await writeOut(options.out, note);
        const { print, sayJson } = await import('./print.ts');
        const { origin, size, root } = said;
        if (json) sayJson({ origin, size, root: Buffer.from(root).toString('base64'), signedBy, note, file });
        else print(note);
        return 0;
      }),
    );

  command(ledger, 'prove [seq]', 'proves to somebody without a ledger that an entry is in it')
    .option('--checkpoint <file>', 'the checkpoint that it shall lead to (default: one that is signed now)')
    .option('--since <file>', 'proves that the ledger of now begins with that of this older checkpoint')
    .option('--out <file>', 'writes it there')
    .action(ends(prove));

  command(ledger, 'accept-restore', 'goes on with a ledger that was restored from a backup; itself an entry')
    .requiredOption('--reason <text>', 'why')
    .option('--by <name>', 'who says so (default: the user who is logged in)')
    .action(
      ends(async (options: { json?: boolean; reason: string; by?: string }) => {
        const { json, nowMs } = shared(options);
        const { acceptRestored } = await import('./ledger.ts');
        const entry = await acceptRestored(settings(), {
          by: person(options.by),
          reason: options.reason,
          nowMs,
        });
        const { say, sayJson } = await import('./print.ts');
        if (json) sayJson(entry);
        else say(`accepted; ${headLine(entry)}`);
        return 0;
      }),
    );
}
