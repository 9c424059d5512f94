import { oneLine } from '../src/core/harmless.ts';
import { headLine } from '../src/core/head-line.ts';
import type { LogQuote } from '../src/core/log-event.ts';
import { fileName } from '../src/core/names.ts';
import { idleText } from './chart-words.ts';
import { type ExceptionGroup, type GroupRound, groupsOf } from './groups.ts';
import type { NamedCoverage, Report, ReportException, RoundLine } from './model.ts';
import {
  auditsText,
  blindText,
  duplicatesText,
  letterText,
  measureTexts,
  messagesText,
  placesRead,
  placeText,
  timesText,
} from './sentences.ts';
import { liveCells, liveColumns, playedDays } from './trend-words.ts';
import {
  alsoText,
  causeWords,
  countCells,
  countColumns,
  distrust,
  equationText,
  explainCommand,
  groupSize,
  inEach,
  instantText,
  r2Sentence,
  roundText,
  stateWords,
  waitsText,
} from './words.ts';

/** Text of the game's world between other words: no mark-up, no cell, no line of its own. */
const plain = (text: string) => oneLine(text).replace(/[\\`*_[\]<>|#]/g, (mark) => `\\${mark}`);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''];
}

const item = (text: string) => `* ${plain(text)}`;

const counts = (by: string, rows: readonly NamedCoverage[]) =>
  table(
    [by, ...countColumns],
    rows.map(({ name, coverage }) => [plain(name), ...countCells(coverage)]),
  );

function roundLine({ exception, own }: GroupRound, group: ExceptionGroup): string {
  const { roundId, matchId, session, played, incident, packet } = exception;
  const facts = [
    `round ${roundId}`,
    `match ${plain(matchId ?? 'none')}`,
    group.session === null && `session ${session ?? 'none'}`,
    incident !== null && `incident ${incident}`,
    packet !== null && `packet ${plain(packet)}`,
  ];
  const said = [facts.filter(Boolean).join(', '), ...own.map(plain)].join('; ');
  return `* **${plain(roundText(exception))}** ${plain(played)}: ${said}`;
}

function causeLines(cause: ExceptionGroup['cause']): string[] {
  if (cause === null) return [];
  const { code, also, because } = cause;
  const why = because === null ? inEach : plain(because);
  return [`Cause: ${causeWords[code]} (${code}), ${why}.${alsoText(also)}`, ''];
}

/** The first three lines, quoted. */
function quoteLines(lines: readonly LogQuote[]): string[] {
  const quoted = lines
    .slice(0, 3)
    .map(({ file, line, text }) => `> ${plain(`${fileName(file)}:${line}: ${text}`)}  `);
  return quoted.length > 0 ? [...quoted, ''] : [];
}

function groupLines(group: ExceptionGroup): string[] {
  const { verdict, setAside, because, cause, rounds } = group;
  const first = rounds[0]!.exception;
  const aside = setAside === null ? '' : `, ${setAside}`;
  const tried = because === null ? inEach : plain(because);
  const evidence = first.cause?.evidence ?? [];
  return [
    `### ${verdict}${aside}, ${groupSize({ ...group, day: null })}`,
    '',
    ...causeLines(cause),
    ...rounds.map((round) => roundLine(round, group)),
    '',
    `What was tried: ${tried}. Look closer: \`${explainCommand(first)}\``,
    '',
    ...quoteLines(evidence),
  ];
}

function exceptionLines({ exceptions, earlier }: Report): string[] {
  const parts: [string, readonly ReportException[]][] = [
    ['## Exceptions', exceptions],
    ['## Of earlier days, written off in this time', earlier.writtenOff],
    ['## Of earlier days, still open', earlier.open],
  ];
  return parts
    .filter(([title, found]) => found.length > 0 || title === '## Exceptions')
    .flatMap(([title, found]) => [
      title,
      '',
      ...(found.length === 0 ? ['None.', ''] : groupsOf(found).flatMap(groupLines)),
    ]);
}

function stateText({ state, verdict, waitsUntil }: RoundLine): string {
  if (state === 'open') return verdict;
  return waitsUntil === null ? stateWords[state] : `${stateWords[state]}, ${waitsText(waitsUntil, null)}`;
}

function sessionLines({ sessions }: Report): string[] {
  return sessions.flatMap(({ session, rounds }) => [
    `### Session ${session ?? 'none'}`,
    '',
    ...table(
      ['played', 'map', 'round', 'state', 'cause', 'module', 'flags'],
      rounds.map((line) => [
        plain(line.played),
        plain(roundText(line)),
        String(line.roundId),
        stateText(line),
        line.cause ?? '',
        plain(line.moduleVersion ?? 'unknown'),
        line.flags.join(', '),
      ]),
    ),
  ]);
}

/** The numbers of both charts. */
function seriesLines(report: Report): string[] {
  const days = playedDays(report);
  const idle = idleText(report.series);
  return [
    ...(idle === '' ? [] : [idle, '']),
    ...counts(
      'day',
      days.map(({ day, coverage }) => ({ name: day, coverage })),
    ),
    ...table(
      ['day', ...liveColumns],
      days.map((point) => [point.day, ...liveCells(point, point.missingR2.length)]),
    ),
  ];
}

function repairLines({ repairs }: Report): string[] {
  if (repairs.length === 0) return ['None was made.', ''];
  return table(
    ['round', 'map', 'played', 'repair', 'from', 'distance', 'entry', 'SHA-256'],
    repairs.map((one) => [
      String(one.roundId),
      plain(roundText(one)),
      plain(one.played),
      one.reverted ? `${one.kind}, reverted` : one.kind,
      plain(one.from),
      `${one.deltaSeconds} s`,
      String(one.entry),
      one.sha256 ?? '',
    ]),
  );
}

function duplicateLines(report: Report): string[] {
  const { duplicates } = report;
  const [first] = duplicates;
  return [
    duplicatesText(report),
    '',
    ...duplicates.map((one) => `* **${plain(roundText(one))}**: ${timesText(one)}`),
    ...(first === undefined ? [] : ['', ...quoteLines(first.lines)]),
  ];
}

function auditorLines({ auditor, ledger, checkpoint }: Report): string[] {
  const { unreadablePlaces, deadLetters } = auditor;
  const said = [
    auditsText(auditor),
    blindText(auditor),
    ...(unreadablePlaces.length === 0 ? [placesRead] : unreadablePlaces.map(placeText)),
    messagesText(auditor),
    ...deadLetters.map(letterText),
  ];
  return [...said.map(item), '', `\`${headLine(ledger)}\``, '', ...checkpointLines(checkpoint)];
}

/** As text, a mail is where a checkpoint is kept: nothing in it may be escaped. */
function checkpointLines(checkpoint: Report['checkpoint']): string[] {
  if (checkpoint === null) return [];
  const { note, problem } = checkpoint;
  if (note === null) return [`**The ledger was not signed: ${plain(problem ?? '')}**`, ''];
  return [
    'The same, signed, for `ledger verify --checkpoint`:',
    '',
    '```',
    ...note.trimEnd().split('\n'),
    '```',
    '',
  ];
}

/** The same as plain text, for a mail that shows no pages: what was escaped stands as it is. */
export function textReport(report: Report): string {
  return markdownReport(report).replace(/\\([\\`*_[\]<>|#])/g, '$1');
}

/** The report as Markdown. */
export function markdownReport(report: Report): string {
  const { title, source, zone, asOf, coverage, discrepancies, splits } = report;
  return [
    `# ${plain(title)}`,
    '',
    `Coverage of ${plain(source)}; times of play in ${plain(zone)}; as of ${instantText(asOf)}.`,
    '',
    equationText(coverage),
    '',
    ...(discrepancies.length === 0 ? [] : [`**${distrust}**`, '']),
    ...discrepancies.map(item),
    ...exceptionLines(report),
    '## Sessions',
    '',
    ...counts('session', splits.session),
    ...sessionLines(report),
    '## R1 against R2',
    '',
    ...counts('number', [...splits.number, { name: 'all', coverage }]),
    r2Sentence(report),
    '',
    ...counts('map', splits.map),
    ...counts('module version', splits.moduleVersion),
    ...(splits.cause.length === 0 ? [] : counts('cause', splits.cause)),
    ...measureTexts(report).map(item),
    '',
    '## Trend',
    '',
    ...seriesLines(report),
    '## Repairs',
    '',
    ...repairLines(report),
    '## Duplicate ingestion',
    '',
    ...duplicateLines(report),
    '## The auditor itself',
    '',
    ...auditorLines(report),
  ].join('\n');
}
