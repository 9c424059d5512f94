import { once } from 'node:events';
import type { Command } from 'commander';
import { headLine } from '../src/core/head-line.ts';
import { command, ends, person, settings, shared, wholeNumber } from './command-line.ts';

/** ledger verify, export, tail, head, accept-restore. */
export function addLedgerCommands(program: Command): void {
  const ledger = program.command('ledger').description('the append-only record').exitOverride();

  command(ledger, 'verify', 'every entry re-hashed, every repaired row compared')
    .option('--anchor <line...>', 'a head seen outside, "SEQ HASH"; may be given several times')
    .option('--no-rows', 'the chain only, without asking the source')
    .action(
      ends(async (options: { json?: boolean; anchor?: string[]; rows: boolean }) => {
        const { parseAnchor, printVerification, verifyExitCode, verifyLedger } = await import('./ledger.ts');
        const anchors = (options.anchor ?? []).map(parseAnchor);
        const check = await verifyLedger(settings(), { anchors, rows: options.rows });
        const { sayJson } = await import('./print.ts');
        if (options.json) sayJson(check);
        else printVerification(check);
        return verifyExitCode(check);
      }),
    );

  command(ledger, 'export', 'every entry, one per line (NDJSON)').action(
    ends(async () => {
      const { exportLedger } = await import('./ledger.ts');
      await exportLedger(settings(), async (line) => {
        if (!process.stdout.writable) return;
        // Rejects where the reader goes away meanwhile; the entry point has an eye on that.
        if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain').catch(() => undefined);
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
