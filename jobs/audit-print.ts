import { basename } from 'node:path';
import { counted } from '../src/core/counted.ts';
import { headLine } from '../src/core/head-line.ts';
import { printable } from '../src/core/printable.ts';
import { playedText } from '../src/core/round-text.ts';
import { changedColumns } from '../src/core/row-change.ts';
import { utcText } from '../src/core/time.ts';
import type { AuditResult, VerdictLine } from './audit-result.ts';
import { heldTexts } from './held.ts';
import { colouredVerdict, colours, equation, say, sayWords, table } from './print.ts';

function candidateText({ candidate }: VerdictLine): string {
  if (candidate === null) return '';
  const name = candidate.kind === 'artifact' ? basename(candidate.path!) : `capture ${candidate.captureId}`;
  return candidate.deltaSeconds === null ? name : `${name} (${candidate.deltaSeconds} s)`;
}

function doneText({ action, outcome }: VerdictLine): string {
  if (action === 'none') return '';
  const text = outcome === null ? action : `${action}: ${outcome}`;
  return outcome === 'done' ? colours.green(text) : text;
}

function gapTable(lines: readonly VerdictLine[]): string {
  return table(
    ['round', 'played', 'map', 'R', 'verdict', 'why', 'cause', 'candidate', 'done'],
    lines.map((line) => [
      line.roundId,
      playedText(line),
      printable(line.map ?? '?'),
      line.round,
      colouredVerdict(line.verdict),
      line.reason + (line.flags.length > 0 ? ` [${line.flags.join(', ')}]` : ''),
      line.cause?.code ?? '',
      printable(candidateText(line)),
      doneText(line),
    ]),
  );
}

const states: Record<AuditResult['state'], string> = {
  clean: colours.green('Nothing is open.'),
  open: colours.yellow(
    'Something is open: look with `roundwarden incidents` and `roundwarden explain ROUND`.',
  ),
  no_rounds: 'No rounds were played in this window.',
  nothing_checked: colours.yellow('Nothing could be checked.'),
};

function sayPlaces(result: AuditResult): void {
  for (const { name, unreadable, count, oldestUnix, newestUnix } of result.places) {
    if (unreadable !== null)
      say(colours.yellow(`place ${printable(name)}: unreadable, ${printable(unreadable)}`));
    else
      say(`place ${printable(name)}: ${count} artifacts, ${utcText(oldestUnix!)} to ${utcText(newestUnix!)}`);
  }
  for (const { path, why } of result.ignored)
    say(colours.dim(`ignored ${printable(path)}: ${printable(why)}`));
}

function sayLogs({ unreadLogs, duplicates }: AuditResult): void {
  for (const { path, why } of unreadLogs)
    say(colours.yellow(`log ${printable(path)}: ${printable(why)}; causes may be unknown`));
  const days = Object.entries(duplicates.perDay).map(([day, count]) => `${count} on ${day}`);
  if (days.length > 0)
    say(
      `duplicate ingestion (received or stored twice within a minute; --json has the lines): ${days.join(', ')}`,
    );
}

function sayFindings(result: AuditResult): void {
  const { captures, artifacts } = result.orphans;
  if (captures.length + artifacts.length > 0)
    say(
      `orphans: ${captures.length} captures and ${artifacts.length} artifacts fit no round (--json lists them)`,
    );
  for (const { captureId, roundId, matchId } of result.wrongLinks)
    say(
      `finding: capture ${captureId} (${printable(matchId)}) is linked to round ${roundId} and does not fit it`,
    );
  const flagged = Object.entries(result.flags).map(([flag, count]) => `${count} ${flag}`);
  if (flagged.length > 0) say(`flags of covered rounds: ${flagged.join(', ')}`);
}

function windowText({ window: { from, to, asked } }: AuditResult): string {
  if (asked.startsWith('--round')) return asked.replace('--round ', 'round ');
  if (from === null && to === null) return 'every row';
  const days = `${from ?? 'the beginning'} to ${to ?? 'the end'}`;
  return asked === '' ? `${days} and open incidents` : days;
}

const namesOf = (lines: readonly VerdictLine[]) =>
  lines.map(({ roundId, incident }) => `round ${roundId} (incident ${incident})`).join(', ');

/** What a person has to do next, or need not. */
function sayNext(result: AuditResult, dryRun: boolean): void {
  for (const text of heldTexts(result.held)) sayWords(text);
  const waiting = result.verdicts.filter(({ outcome }) => outcome === 'refused (waiting)');
  if (waiting.length > 0)
    sayWords(
      `waiting, because the database refused the same before: ${namesOf(waiting)}; tried again a quarter of an hour after the first refusal, then after twice as long each time, up to a day; \`roundwarden incidents reopen INCIDENT\` has the next audit try`,
    );
  const repairs = result.plan.reduce((sum, { repairs: group }) => sum + group.length, 0);
  if (result.stopped === 'max_repairs')
    sayWords(
      colours.yellow(
        `The plan has ${repairs} repairs, and MAX_REPAIRS is ${result.limit}: nothing ${dryRun ? 'would be' : 'was'} repaired. ` +
          `Check it, then run \`roundwarden audit ${`${result.window.asked} --expect ${result.fingerprint}`.trim()}\`.`,
      ),
    );
  if (result.stopped === 'repair_off')
    say(`REPAIR is off: ${counted(repairs, 'repair')} ${dryRun ? 'would not be' : 'not'} made.`);
  const writtenOff = result.verdicts.filter(({ action }) => action === 'write_off').length;
  if (writtenOff > 0)
    sayWords(
      colours.yellow(
        `${counted(writtenOff, 'round')} ${dryRun ? 'would be' : 'just'} written off as lost: \`roundwarden explain ROUND --packet\` tells of each.`,
      ),
    );
}

/** An audit for people: the gaps, what was done about them, and that the numbers add up. */
export function printAudit(result: AuditResult, options: { dryRun: boolean }): void {
  const { dryRun } = options;
  say(
    colours.bold(
      `${dryRun ? 'plan' : 'audit'} of ${result.source}, ${windowText(result)}, run ${result.run}`,
    ),
  );
  if (result.verdicts.length > 0) say(`\n${gapTable(result.verdicts)}`);
  else if (result.window.asked.startsWith('--round'))
    say('it is covered, or not expected to be: `roundwarden explain` says why');
  say(`\nrows read ${equation(result.counts)}`);
  if (!dryRun) say(`after     ${equation(result.after)}`);
  sayPlaces(result);
  sayLogs(result);
  sayFindings(result);
  sayNext(result, dryRun);
  say(`fingerprint ${result.fingerprint}`);
  say(headLine(result.ledger));
  const closed = result.places.some(({ unreadable }) => unreadable !== null);
  if (result.state === 'open' && closed)
    say(colours.yellow('An artifact place could not be read: nothing is called lost until it can.'));
  else say(states[result.state]);
}

/** The rows that a plan would change, for people. */
export function printPlan(result: AuditResult): void {
  for (const { repairs, changes } of result.plan) {
    for (const { kind, roundId, incident, path, captureId, deltaSeconds } of repairs)
      say(
        colours.bold(
          `${kind} round ${roundId} (${printable(incident)}) from ${printable(captureId === null ? path! : `capture ${captureId}`)}, ${deltaSeconds} s`,
        ),
      );
    for (const change of changes) {
      const { table: name, key, before, after } = change;
      const verb = before === null ? 'insert' : after === null ? 'delete' : 'update';
      say(`  ${verb} ${name} ${printable(JSON.stringify(key))}`);
      for (const column of changedColumns(change))
        say(
          printable(
            `    ${column}: ${JSON.stringify(before?.[column] ?? null)} -> ${JSON.stringify(after?.[column] ?? null)}`,
          ),
        );
    }
  }
  if (result.plan.length > 0) say();
  printAudit(result, { dryRun: true });
}
