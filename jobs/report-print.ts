import { type ExceptionGroup, groupsOf } from '../reports/groups.ts';
import type { Report, ReportException } from '../reports/model.ts';
import { causeWords, equationText, r2Sentence, roundText } from '../reports/words.ts';
import { headLine } from '../src/core/head-line.ts';
import { printable } from '../src/core/printable.ts';
import { colouredVerdict, colours, say, table } from './print.ts';
import type { MadeReport, SentReports } from './report.ts';

const colourOf: Record<Report['state'], (text: string) => string> = {
  covered: colours.green,
  waiting: colours.cyan,
  gaps: colours.red,
  no_rounds: colours.dim,
  nothing_checked: colours.yellow,
};

const mostShown = 20;

const causeText = (cause: ExceptionGroup['cause']) =>
  cause === null
    ? ''
    : `, ${causeWords[cause.code]} (${cause.code})${cause.because === null ? '' : `: ${printable(cause.because)}`}`;

function sayExceptions(title: string, exceptions: readonly ReportException[]): void {
  if (exceptions.length === 0) return;
  say(colours.bold(`\n${title}`));
  for (const { verdict, cause, rounds } of groupsOf(exceptions)) {
    say(`${rounds.length} ${colouredVerdict(verdict)}${causeText(cause)}`);
    const hasOwn = rounds.some(({ own }) => own.length > 0);
    const rows = rounds.slice(0, mostShown).map(({ exception, own }) => {
      const { roundId, played, incident, packet } = exception;
      const cells = [roundId, printable(played), roundText(exception), incident, printable(packet ?? '')];
      return hasOwn ? [...cells, printable(own.join('; '))] : cells;
    });
    say(table(['round', 'played', 'map', 'incident', 'packet', ...(hasOwn ? ['of itself'] : [])], rows));
    if (rounds.length > mostShown) say(`and ${rounds.length - mostShown} more`);
  }
}

/** A report for people at a terminal: the verdict, what they should know, and where the rest is. */
export function printReport({ report, paths, index }: MadeReport): void {
  const { title, state, coverage, discrepancies, exceptions, earlier, ledger, checkpoint } = report;
  say(colourOf[state](printable(title)));
  say(equationText(coverage));
  for (const one of discrepancies) say(colours.red(`does not add up: ${printable(one)}`));
  sayExceptions('Exceptions', exceptions);
  sayExceptions('Of earlier days, written off in this time', earlier.writtenOff);
  sayExceptions('Of earlier days, still open', earlier.open);
  say(`\n${r2Sentence(report)}`);
  say(headLine(ledger));
  if (checkpoint?.problem != null)
    say(colours.red(`the ledger was not signed: ${printable(checkpoint.problem)}`));
  say('');
  for (const path of paths) say(path);
  say(`${index} lists all reports`);
}

/** What was mailed, for people at a terminal. */
export function printSent({ made, already, delivery }: SentReports): void {
  if (already !== null)
    say(`the report of ${already.day} was mailed before (${already.at}): each day is mailed once`);
  else if (made.length === 0) say('no report is owed');
  for (const { report, paths } of made) say(`${printable(report.title)}\n  ${paths.join('\n  ')}`);
  say(`${delivery.sent} sent now`);
  for (const { channel, why } of [...delivery.waiting, ...delivery.dead])
    say(colours.yellow(`${channel}: ${printable(why)}; \`roundwarden notify\` says more`));
}
