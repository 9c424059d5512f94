import { createHash } from 'node:crypto';
import { assemble } from '../reports/assemble.ts';
import type { Chart, Look } from '../reports/charts.ts';
import { csvReport } from '../reports/csv.ts';
import { type Format, formats } from '../reports/format.ts';
import { htmlReport } from '../reports/html.tsx';
import { jsonReport } from '../reports/json.ts';
import { markdownReport } from '../reports/markdown.ts';
import type { Report } from '../reports/model.ts';
import type { Config } from '../src/config.ts';
import { foldEntry, type Source, withLedgerToRead, withSource, withSourceBeside } from '../src/context.ts';
import type { Message } from '../src/core/message.ts';
import type { Json } from '../src/core/model.ts';
import { lastOwedDay, owedDays } from '../src/core/owed.ts';
import type { EntryDraft } from '../src/core/record.ts';
import { localDay } from '../src/core/time.ts';
import { UsageError } from '../src/errors.ts';
import { append } from '../src/ledger/append.ts';
import { eachEntry, lastEntryOf } from '../src/ledger/entries.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { enqueue } from '../src/ledger/outbox.ts';
import type { Log } from '../src/log.ts';
import { keepReported } from './checkpoint.ts';
import { type DeliveryReport, deliver } from './deliver.ts';
import { type Asked, readReportFacts } from './report-facts.ts';
import { type WrittenReport, writeReport } from './report-files.ts';
import { type Run, runJob } from './run.ts';
import { assertSourceSet } from './source-settings.ts';
import { mayStop } from './stopping.ts';

/** How a report is asked for. */
export interface ReportRequest {
  config: Config;
  asked: Asked;
  formats: readonly Format[];
  nowMs: number;
}

/** A report with the files that it was written to. */
export interface MadeReport extends WrittenReport {
  report: Report;
}

const nameOf = ({ window }: Report) => (window.kind === 'day' ? window.day : `session-${window.session}`);

/** The charts of a report; what draws them is loaded for this alone. */
async function chartsOf({ series }: Report, look: Look): Promise<Chart[]> {
  const { r2Chart, roundsChart } = await import('../reports/charts.ts');
  return [roundsChart(series, look), r2Chart(series, look)];
}

const render: Record<Format, (report: Report) => string | Promise<string>> = {
  html: async (report) => htmlReport(report, { charts: await chartsOf(report, 'page'), picture: 'svg' }),
  md: markdownReport,
  json: jsonReport,
  csv: csvReport,
};

/** A report in one format, as text. */
export async function renderReport(report: Report, format: Format): Promise<string> {
  return render[format](report);
}

async function write(
  { config, nowMs }: Pick<ReportRequest, 'config' | 'nowMs'>,
  report: Report,
  as: readonly Format[],
): Promise<WrittenReport> {
  // The index is made from the JSON of each report.
  const contents = new Map<Format, string>();
  for (const format of formats)
    if (format === 'json' || as.includes(format)) contents.set(format, await renderReport(report, format));
  keepReported(config, report.checkpoint, nowMs);
  return writeReport(config, { name: nameOf(report), contents, nowMs });
}

/** Makes one report. Writes nothing: neither to the source, nor to the ledger, nor files. */
export async function readReport({ config, asked, nowMs }: Omit<ReportRequest, 'formats'>): Promise<Report> {
  assertSourceSet(config);
  return withSourceBeside(config, { readOnly: true }, (useSource) =>
    withLedgerToRead(config, (ledger) =>
      useSource(async (source) => assemble(await readReportFacts({ config, source, ledger, nowMs }, asked))),
    ),
  );
}

/** Makes one report and writes its files. */
export async function makeReport(request: ReportRequest): Promise<MadeReport> {
  const report = await readReport(request);
  return { report, ...(await write(request, report, request.formats)) };
}

interface MadeBody {
  day: string;
  /** A person asked for this day by name; it says nothing of the days before it. */
  byHand: boolean;
  /** Absent in entries of earlier versions, which made reports for mail alone. */
  mailed?: boolean;
}

/**
 * Every day that was reported, and the last one up to `until` that was so because it was owed: one after it was made
 * while the clock was ahead, and must not stand for the days until then.
 */
async function reportedDays(
  ledger: Ledger,
  source: string,
  until: string,
): Promise<{ lastDay: string | null; reported: Set<string> }> {
  const reported = new Set<string>();
  let lastDay: string | null = null;
  for await (const entry of eachEntry(ledger, { source, kinds: ['report.made'] })) {
    const { day, byHand } = foldEntry(entry).body as unknown as MadeBody;
    reported.add(day);
    if (!byHand && day <= until && (lastDay === null || day > lastDay)) lastDay = day;
  }
  return { lastDay, reported };
}

const keyOf = (day: string) => `report:${day}`;

function messageOf(report: Report, day: string, at: string): Omit<Message, 'mail'> {
  return {
    key: `${report.source}|report|${day}`,
    level: 'report',
    source: report.source,
    at,
    title: report.title,
    text: report.title,
    gaps: [],
    logLines: [],
    command: `roundwarden report --date ${day}`,
    ledger: report.ledger,
  };
}

/** The mail of a report, with its pictures. */
async function mailedMessage(report: Report, day: string, at: string): Promise<Message> {
  const { reportMail } = await import('../reports/mail.ts');
  const mail = await reportMail(report, { charts: await chartsOf(report, 'mail'), name: day });
  return { ...messageOf(report, day, at), mail };
}

/**
 * Makes the report of one day, writes its files, and queues its mail, where mail is set up, in the transaction that
 * records it.
 */
async function queueReport(
  request: Pick<ReportRequest, 'config' | 'nowMs'>,
  of: { run: Run; source: Source; day: string; byHand: boolean },
): Promise<MadeReport> {
  const { config, nowMs } = request;
  const { run, source, day, byHand } = of;
  const report = assemble(await readReportFacts({ config, source, ledger: run.ledger, nowMs }, { day }));
  const written = await write(request, report, formats);
  const message = config.mail === null ? null : await mailedMessage(report, day, run.at);
  const sha256 = createHash('sha256').update(jsonReport(report)).digest('hex');
  const body = {
    run: run.id,
    day,
    byHand,
    mailed: message !== null,
    title: report.title,
    state: report.state,
    sha256,
  };
  const draft: EntryDraft = { kind: 'report.made', source: source.name, key: keyOf(day), body: body as Json };
  await append(run.ledger, [draft], run.at, {
    inside: async (inside) => {
      if (message !== null) await enqueue(inside, [message], ['mail'], run.at);
    },
  });
  return { report, ...written };
}

/** What sending came to: the reports that were owed, each made and mailed once for ever. */
export interface SentReports {
  made: MadeReport[];
  /** The day that was asked for and was mailed before, or null. */
  already: { day: string; at: string } | null;
  delivery: DeliveryReport;
}

/** The days whose reports are owed and were not made, oldest first. */
export async function daysOwed(
  ledger: Ledger,
  { config, nowMs }: { config: Config; nowMs: number },
): Promise<string[]> {
  const { sourceName: source, zone, reportAt } = config;
  const facts = { nowUnix: Math.floor(nowMs / 1000), zone, reportAt };
  // The one question that a daemon asks each minute. Whoever made the last day because it was owed, made all before it.
  const lastOwed = lastOwedDay(facts);
  const last = await lastEntryOf(ledger, source, keyOf(lastOwed), ['report.made']);
  if (last !== null && !(foldEntry(last).body as unknown as MadeBody).byHand) return [];
  const { lastDay, reported } = await reportedDays(ledger, source, lastOwed);
  return owedDays({ ...facts, lastDay }).filter((day) => !reported.has(day));
}

async function daysToSend(ledger: Ledger, request: { config: Config; nowMs: number; day?: string }) {
  const { config, nowMs, day } = request;
  const { sourceName: source, zone } = config;
  const nowUnix = Math.floor(nowMs / 1000);
  if (day === undefined) return { days: await daysOwed(ledger, request), already: null };
  if (day >= localDay(nowUnix, zone))
    throw new UsageError(
      `${day} is not over on the server, and each day is mailed once: ask for an earlier one`,
    );
  const before = await lastEntryOf(ledger, source, keyOf(day), ['report.made']);
  // Made while there was nobody to mail it to: a person may still ask for the mail.
  const isMailed = before !== null && (foldEntry(before).body as unknown as MadeBody).mailed !== false;
  return isMailed ? { days: [], already: { day, at: before.at } } : { days: [day], already: null };
}

interface SendRequest {
  config: Config;
  nowMs: number;
  day?: string;
  log?: Log;
  /** Aborted where the process is asked to end: it throws between two reports. */
  signal?: AbortSignal;
}

/** Makes and mails what is owed, as makeOwedReports() does; throws a UsageError where nobody can be mailed. */
export async function sendReports(request: SendRequest): Promise<SentReports> {
  if (request.config.mail === null)
    throw new UsageError('nobody can be mailed: set SMTP_URL, MAIL_FROM and MAIL_TO, or leave --send out');
  return makeOwedReports(request);
}

/**
 * Makes what is owed, and mails it where mail is set up: every day since the last report, or the one that is asked
 * for; each day once for ever, also across a crash, because the entry, the mail and the next look at what is owed are
 * in one database.
 */
export async function makeOwedReports(request: SendRequest): Promise<SentReports> {
  const { config, nowMs, log, signal } = request;
  assertSourceSet(config);
  const end = await runJob(config, { command: 'report', nowMs, log }, (run) =>
    withSource(config, { readOnly: true }, async (source) => {
      const { days, already } = await daysToSend(run.ledger, request);
      const made: MadeReport[] = [];
      const byHand = request.day !== undefined;
      const { channelsOf } = await import('../src/alert/channels.ts');
      const send = () => deliver(run.ledger.database, { channels: channelsOf(config), nowMs, signal });
      try {
        for (const day of days) {
          await mayStop(signal);
          made.push(await queueReport(request, { run, source, day, byHand }));
        }
      } catch (thrown) {
        // What is queued already must not wait for a day whose report cannot be made.
        await send().catch(() => undefined);
        throw thrown;
      }
      const delivery = await send();
      const summary = { days, sent: delivery.sent };
      const exitCode = sentExitCode({ made, already, delivery });
      return { exitCode, summary, result: { made, already, delivery } };
    }),
  );
  return end.result;
}

/** 1 where the sums of a report do not add up, 3 where a mail waits or was given up, else 0. */
export function sentExitCode({ made, delivery }: SentReports): number {
  if (made.some(({ report }) => report.discrepancies.length > 0)) return 1;
  return delivery.waiting.length + delivery.dead.length > 0 ? 3 : 0;
}
