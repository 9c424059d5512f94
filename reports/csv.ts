import type { Report, RoundLine } from './model.ts';

/** The columns, in their order; only ever added to at the end. */
const columns = [
  'source',
  'session',
  'round_id',
  'match_id',
  'map',
  'number',
  'played',
  'state',
  'verdict',
  'cause',
  'module_version',
  'flags',
  'incident',
  'packet',
  'because',
  'waits_until',
] as const;

type Cell = string | number | null;

/**
 * What begins like a formula would be one for a spreadsheet: it gets an apostrophe before it (OWASP). A cell may begin
 * after a `;` too, where a list is parted so, as in many countries: then no quotes of this file hold it together.
 */
function harmless(text: string): string {
  return text.replace(/(?<=^|;)(?=["\s]*[=+\-@])/g, "'");
}

/** A cell as RFC 4180 spells it. */
function cell(value: Cell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = harmless(value.replace(/[\r\n\t]+/g, ' '));
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function rowOf({ source, exceptions }: Report, line: RoundLine): Cell[] {
  const exception = exceptions.find(({ roundId }) => roundId === line.roundId);
  const { session, roundId, matchId, map, number, played, state, verdict, cause, moduleVersion, flags } =
    line;
  return [
    ...[source, session, roundId, matchId, map, number, played, state, verdict, cause, moduleVersion],
    flags.join(' '),
    exception?.incident ?? null,
    exception?.packet ?? null,
    exception?.because ?? null,
    line.waitsUntil,
  ];
}

/** The expected rounds of the window, one on each line, with a head; UTF-8, lines end in CRLF (RFC 4180). */
export function csvReport(report: Report): string {
  const rows = report.sessions.flatMap(({ rounds }) => rounds.map((line) => rowOf(report, line)));
  return [columns.join(','), ...rows.map((row) => row.map(cell).join(','))]
    .map((line) => `${line}\r\n`)
    .join('');
}
