import type { Command } from 'commander';
import { type Format, formats } from '../reports/format.ts';
import { printable } from '../src/core/printable.ts';
import { isDay } from '../src/core/time.ts';
import { UsageError } from '../src/errors.ts';
import { command, endsForEach, settings, shared, wholeNumber } from './command-line.ts';
import type { Asked } from './report-facts.ts';

interface ReportOptions {
  json?: boolean;
  date?: string;
  session?: string;
  format?: string;
  stdout?: boolean;
  send?: boolean;
  open?: boolean;
}

function formatsOf(text: string | undefined): Format[] {
  if (text === undefined) return [...formats];
  const named = text.split(',').map((name) => name.trim());
  const unknown = named.find((name) => !(formats as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--format is "${text}": expected some of ${formats.join(',')}`);
  return named as Format[];
}

function checked({ date, session, send, stdout, format, open }: ReportOptions): void {
  if (date !== undefined && !isDay(date))
    throw new UsageError(`--date is "${date}": expected a day, YYYY-MM-DD`);
  if (date !== undefined && session !== undefined) throw new UsageError('give --date or --session, not both');
  if (send && session !== undefined) throw new UsageError('--send mails days; leave --session out');
  if (send && (stdout || open))
    throw new UsageError('--send mails what is owed; leave --stdout and --open out');
  if (stdout && formatsOf(format).length !== 1)
    throw new UsageError(`--stdout prints one format: add --format with one of ${formats.join(', ')}`);
}

async function send(options: ReportOptions): Promise<number> {
  const { json, nowMs } = shared(options);
  const { sendReports, sentExitCode } = await import('./report.ts');
  const sent = await sendReports({ config: settings(), nowMs, day: options.date });
  const { sayJson } = await import('./print.ts');
  if (json)
    sayJson({ ...sent, made: sent.made.map(({ report, paths }) => ({ title: report.title, paths })) });
  else (await import('./report-print.ts')).printSent(sent);
  return sentExitCode(sent);
}

/** Opens a page, or says why not: the report is made all the same. */
async function open(path: string): Promise<void> {
  const { openOnDesktop } = await import('./open-file.ts');
  const problem = await openOnDesktop(path);
  if (problem !== null) process.stderr.write(`roundwarden: ${printable(problem)}\n`);
}

async function make(options: ReportOptions): Promise<number> {
  const { json, nowMs } = shared(options);
  const config = settings();
  const { makeReport, readReport, renderReport } = await import('./report.ts');
  const { lastOwedDay } = await import('../src/core/owed.ts');
  const yesterday = () =>
    lastOwedDay({ nowUnix: Math.floor(nowMs / 1000), zone: config.zone, reportAt: '00:00' });
  const asked: Asked =
    options.session === undefined
      ? { day: options.date ?? yesterday() }
      : { session: wholeNumber(options.session, '--session') };
  const wanted = formatsOf(options.format);
  if (options.stdout) {
    const report = await readReport({ config, asked, nowMs });
    const { print } = await import('./print.ts');
    print(await renderReport(report, wanted[0]!));
    return report.discrepancies.length > 0 ? 1 : 0;
  }
  const made = await makeReport({ config, asked, formats: wanted, nowMs });
  const { sayJson } = await import('./print.ts');
  if (json) sayJson(made.report);
  else (await import('./report-print.ts')).printReport(made);
  if (options.open) await open(made.paths.find((path) => path.endsWith('.html')) ?? made.index);
  return made.report.discrepancies.length > 0 ? 1 : 0;
}

/** report. */
export function addReportCommands(program: Command): void {
  command(program, 'report', 'the coverage report of a day (default: yesterday) or a session')
    .option('--date <day>', 'a day of the server, YYYY-MM-DD')
    .option('--session <number>', 'a session instead of a day')
    .option('--format <list>', `which files are written: some of ${formats.join(',')}`)
    .option('--stdout', 'prints the one format instead of writing files')
    .option('--send', 'mails every report that is owed since the last one, each day once')
    .option('--open', 'opens the page on the desktop')
    .action(
      endsForEach(
        async (options: ReportOptions) => {
          checked(options);
          return options.send ? send(options) : make(options);
        },
        ({ stdout, open, session }) => stdout === true || open === true || session !== undefined,
      ),
    );
}
