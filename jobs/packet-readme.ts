import { basename } from 'node:path';
import { entryText } from '../src/core/entry-text.ts';
import type { FoldEntry } from '../src/core/incident.ts';
import type { LogQuote } from '../src/core/log-event.ts';
import type { Place } from '../src/core/model.ts';
import { printable } from '../src/core/printable.ts';
import { playedText } from '../src/core/round-text.ts';
import { utcText } from '../src/core/time.ts';
import type { Assessment } from '../src/core/verdict.ts';

/** What the page of a triage packet tells of. */
export interface PacketPage {
  source: string;
  zone: string;
  /** UTC. */
  writtenAt: string;
  assessment: Assessment;
  places: readonly Place[];
  entries: readonly FoldEntry[];
  /** Every other file of the packet, with what it holds. */
  files: ReadonlyMap<string, string>;
}

/** Text of the game's world between other words: no markup, no table cell, no line of its own. */
const plain = (text: string) => printable(text).replace(/[\\`*[\]<>|]/g, (mark) => `\\${mark}`);

function quoted(lines: readonly LogQuote[]): string[] {
  if (lines.length === 0) return ['No line of a log is known of this round.'];
  const text = lines.map(({ file, line, text }) => printable(`${basename(file)}:${line}: ${text}`));
  return ['```text', ...text.map((line) => line.replaceAll('```', "'''")), '```'];
}

function whatAndWhen({ source, zone, assessment }: PacketPage): string[] {
  const { round, playedUnix } = assessment;
  const utc = playedUnix === null ? 'unreadable' : utcText(playedUnix);
  return [
    `| | |`,
    `|---|---|`,
    `| source | ${plain(source)} |`,
    `| round | ${round.id}, ${plain(round.map ?? '?')}, round ${round.number ?? '?'} |`,
    `| played | ${plain(playedText(round))} in ${plain(zone)}, which is ${utc} |`,
    `| match id | ${plain(round.matchId ?? 'none')} |`,
    `| session | ${round.session ?? 'none'} |`,
    `| status | ${plain(round.status ?? 'none')} |`,
  ];
}

function verdictAndCause({ assessment }: PacketPage): string[] {
  const { verdict, reason, because, cause } = assessment;
  const judged = verdict === null ? plain(because) : `**${verdict}** (${reason}): ${plain(because)}.`;
  if (cause === null) return [judged];
  const also = cause.also.length === 0 ? '' : ` Also: ${cause.also.join(', ')}.`;
  return [judged, '', `Cause: **${cause.code}**: ${plain(cause.because)}.${also}`];
}

function placeLine({ name, unreadable, count, oldestUnix, newestUnix }: Place): string {
  if (unreadable !== null) return `* ${plain(name)}: could not be read, ${plain(unreadable)}`;
  return `* ${plain(name)}: ${count} artifacts, ${utcText(oldestUnix!)} to ${utcText(newestUnix!)}`;
}

function whatWasTried({ assessment, places, entries }: PacketPage): string[] {
  const { seen } = assessment;
  const candidates = seen.map(({ note, path, deltaSeconds }) => {
    const distance = deltaSeconds === null ? '' : `, ${deltaSeconds} s before the file`;
    return `* ${plain(path === null ? note : `${basename(path)}: ${note}`)}${distance}`;
  });
  return [
    'These places were looked through for an artifact of the round:',
    '',
    ...(places.length === 0 ? ['* none is configured'] : places.map(placeLine)),
    '',
    candidates.length === 0
      ? 'No capture and no artifact ended from 5 s after to 30 s before the stats file.'
      : 'These candidates were looked at:',
    ...(candidates.length === 0 ? [] : ['', ...candidates]),
    '',
    ...(entries.length === 0
      ? ['The ledger had no entry of this round when the packet was written.']
      : entries.map(
          (entry) => `* entry ${entry.seq}, ${entry.at}, ${entry.kind}: ${plain(entryText(entry))}`,
        )),
  ];
}

/** The page of a triage packet: what, when, verdict, cause, what was tried. Markdown that can be read aloud. */
export function packetReadme(page: PacketPage): string {
  const { round, cause } = page.assessment;
  const files = [...page.files].map(([name, what]) => `* \`${name}\`: ${what}`);
  return [
    `# Round ${round.id}: ${plain(round.map ?? '?')} R${round.number ?? '?'}, ${plain(playedText(round))}`,
    '',
    ...whatAndWhen(page),
    '',
    '## Verdict',
    '',
    ...verdictAndCause(page),
    '',
    '## What the logs say',
    '',
    ...quoted(cause?.evidence ?? []),
    '',
    '## What was tried',
    '',
    ...whatWasTried(page),
    '',
    '## What is in this folder',
    '',
    ...files,
    '* `SHA256SUMS`: checksums of all of it; `sha256sum -c SHA256SUMS` compares them',
    '',
    `Written at ${page.writtenAt} by Roundwarden. Addresses with tokens are masked in every quoted line.`,
    '',
  ].join('\n');
}
