import type { Report, ReportException } from '../reports/model.ts';
import { causeWords, equationText, groupsOf, r2Sentence, roundText } from '../reports/words.ts';
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

function sayExceptions(title: string, exceptions: readonly ReportException[]): void {
  if (exceptions.length === 0) return;
  say(colours.bold(`\n${title}`));
  for (const { verdict, cause, rounds } of groupsOf(exceptions)) {
    const why =
      cause === null ? '' : `, ${causeWords[cause.code]} (${cause.code}): ${printable(cause.because)}`;
    say(`${rounds.length} ${colouredVerdict(verdict)}${why}`);
    const rows = rounds.slice(0, mostShown).map((one) => {
      const { roundId, played, incident, packet } = one;
      return [roundId, printable(played), roundText(one), incident, printable(packet ?? '')];
    });
    say(table(['round', 'played', 'map', 'incident', 'packet'], rows));
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
