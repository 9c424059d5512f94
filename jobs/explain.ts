import { basename } from 'node:path';
import type { Config } from '../src/config.ts';
import { type Source, withLedgerToRead, withSource } from '../src/context.ts';
import { seenCandidates } from '../src/core/candidates.ts';
import { withCauses } from '../src/core/cause.ts';
import { entryText } from '../src/core/entry-text.ts';
import type { FoldEntry, Incident } from '../src/core/incident.ts';
import type { Place } from '../src/core/model.ts';
import { printable } from '../src/core/printable.ts';
import type { Packet } from '../src/core/record.ts';
import { playedText } from '../src/core/round-text.ts';
import { localText, utcText } from '../src/core/time.ts';
import type { Assessment, SeenCandidate } from '../src/core/verdict.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { logLinesFor } from './causes.ts';
import { decisionTexts } from './incidents.ts';
import { observe, visitFor } from './observe.ts';
import { laterFolder, packetFolder, writePacket } from './packet.ts';
import { makePlan } from './planning.ts';
import { colouredVerdict, colours, say, sayWords, table } from './print.ts';
import { noProgress } from './progress.ts';
import { allEntries } from './round-entries.ts';
import { assertSourceSet } from './source-settings.ts';

/** Everything that is known of one round. */
export interface Explanation {
  source: string;
  assessment: Omit<Assessment, 'want' | 'seen'>;
  /** The rounds around it on the same map that may claim the same candidates. */
  rivals: { roundId: number; date: string | null; time: string | null; round: number | null }[];
  candidates: readonly SeenCandidate[];
  repair: { kind: string; held: boolean } | null;
  places: readonly Place[];
  incident: Incident | null;
  entries: readonly FoldEntry[];
  /** The triage packet that was asked for. */
  packet: Packet | null;
}

/** How one round is explained. */
export interface ExplainRequest {
  config: Config;
  roundId: number;
  nowMs: number;
  /** Write a triage packet too. */
  packet?: boolean;
}

/** Looks at one round, with the causes that the logs prove. Throws a UsageError where there is no such row. */
export async function lookAt(request: ExplainRequest, of: { source: Source; ledger: Ledger | null }) {
  const { config, roundId, nowMs } = request;
  const { source, ledger } = of;
  const scope = { kind: 'round', roundId } as const;
  const nowUnix = Math.floor(nowMs / 1000);
  const asked = { config, source, ledger, scope, nowUnix, progress: noProgress };
  // A packet holds copies of what was looked at, so they are kept.
  const visit = await visitFor(asked, { keep: request.packet === true });
  const observation = await observe({ ...asked, visit });
  const { assessments } = await makePlan(observation.situation, source);
  const { lines } = await logLinesFor({ config, ledger, scope, reading: null }, assessments);
  const [assessment] = withCauses(observation.situation, assessments, lines);
  return { ...observation, lines, assessment: assessment! };
}

/** Judges one round and gathers what its verdict rests on. Writes nothing but the packet that is asked for. */
export async function explain(request: ExplainRequest): Promise<Explanation> {
  const { config, roundId, nowMs } = request;
  assertSourceSet(config);
  return withSource(config, { readOnly: true }, (source) =>
    withLedgerToRead(config, async (ledger) => {
      const { situation, incidents, lines, assessment } = await lookAt(request, { source, ledger });
      const { want, seen: _, ...judged } = assessment;
      const { key, round } = assessment;
      const incident = incidents.get(key) ?? null;
      const sameMap = situation.facts.rivals.filter(({ id, map }) => id !== roundId && map === round.map);
      const entries = ledger === null ? [] : await allEntries(ledger, source.name, { key, roundId });
      const facts = { config, source, situation, assessment, lines, entries, nowMs, listings: new Map() };
      const folder = laterFolder(packetFolder(config, source.name, assessment), nowMs);
      return {
        source: source.name,
        assessment: judged,
        rivals: sameMap.map(({ id, date, time, number }) => ({ roundId: id, date, time, round: number })),
        candidates: seenCandidates(situation, round),
        repair: want === null ? null : { kind: want.kind, held: incident?.held != null },
        places: situation.facts.places,
        incident,
        entries,
        packet: request.packet ? await writePacket(folder, facts) : null,
      };
    }),
  );
}

function sayRound({ assessment }: Explanation, zone: string): void {
  const { round, playedUnix } = assessment;
  const { timing } = round;
  say(
    colours.bold(`round ${round.id}: ${printable(round.map ?? '?')} R${round.number}, ${playedText(round)}`),
  );
  const utc = playedUnix === null ? 'unreadable' : utcText(playedUnix);
  say(`  file time   ${utc} (${zone})`);
  say(
    `  match id    ${printable(round.matchId ?? '')}   session ${round.session ?? 'none'}   status ${printable(round.status ?? 'none')}`,
  );
  const at = (unix: number | null) => (unix === null ? 'none' : `${unix} (${localText(unix, zone)})`);
  say(`  own timing  start ${at(timing.startUnix)}, end ${at(timing.endUnix)}`);
}

function sayVerdict({ assessment, repair }: Explanation): void {
  const { exempt, verdict, reason, because, flags } = assessment;
  if (exempt !== null) say(`\n  exempt (${exempt}): this row is not expected to have a capture`);
  else sayWords(`\n  ${colouredVerdict(verdict!)} (${reason}): ${printable(because)}`);
  if (flags.length > 0) say(`  flags: ${flags.join(', ')}`);
  if (repair !== null)
    say(repair.held ? `  its ${repair.kind} is held (below)` : `  the next audit will ${repair.kind} it`);
}

/** Why the pipeline missed it, with the lines that prove it. */
function sayCause({ assessment: { cause } }: Explanation): void {
  if (cause === null) return;
  const also = cause.also.length === 0 ? '' : ` (also: ${cause.also.join(', ')})`;
  sayWords(`  cause ${colours.bold(cause.code)}: ${printable(cause.because)}${also}`);
  if (cause.evidence.length === 0) return;
  say(colours.bold('\nlog lines'));
  for (const { file, line, text } of cause.evidence)
    say(`  ${colours.dim(printable(`${basename(file)}:${line}`))} ${printable(text)}`);
}

function sayStory({ incident, entries }: Explanation): void {
  if (incident === null) {
    say('\nThe ledger knows nothing of it.');
    return;
  }
  say(colours.bold(`\nincident ${incident.id}, ${incident.status.replace('_', ' ')}`));
  for (const text of decisionTexts(incident)) sayWords(`  ${text}`);
  const rows = entries.map((entry) => [entry.seq, entry.at, entry.kind, entryText(entry)]);
  say(table(['seq', 'at', 'entry', 'what'], rows));
}

/** What a person can do where the audit may not decide. */
function sayNext({ assessment, incident }: Explanation): void {
  const id = incident?.id ?? 'ID';
  if (assessment.verdict === 'ambiguous') say(`  decide: roundwarden incidents resolve ${id} CANDIDATE`);
  if (assessment.reason === 'slot_taken')
    say(`  decide: roundwarden incidents resolve ${id} --release CAPTURE`);
}

/** One round's explanation for people. */
export function printExplanation(explanation: Explanation, zone: string): void {
  sayRound(explanation, zone);
  sayVerdict(explanation);
  sayNext(explanation);
  sayCause(explanation);
  const { candidates, places, rivals } = explanation;
  say(colours.bold('\ncandidates'));
  if (candidates.length === 0) say('  none in reach (end -5 to +30 s before the file)');
  else
    say(
      table(
        ['candidate', 'distance', 'what'],
        candidates.map(({ kind, captureId, sha256, deltaSeconds, path, note }) => [
          kind === 'capture' ? `capture:${captureId}` : `artifact:${sha256?.slice(0, 12) ?? '-'}`,
          deltaSeconds === null ? 'none' : `${deltaSeconds} s`,
          printable(path === null ? note : `${path}: ${note}`),
        ]),
      ),
    );
  if (rivals.length > 0) {
    const names = rivals.map((rival) => `${rival.roundId} (R${rival.round} ${playedText(rival)})`);
    sayWords(`\nother rounds of this map within a day: ${printable(names.join(', '))}`);
  }
  for (const { name, unreadable, count } of places)
    say(
      `place ${printable(name)}: ${unreadable === null ? `${count} artifacts` : `unreadable, ${printable(unreadable)}`}`,
    );
  sayStory(explanation);
  if (explanation.packet !== null) say(`\ntriage packet: ${explanation.packet.path}`);
}
