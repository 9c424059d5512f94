import { counted } from '../src/core/counted.ts';
import type { Incident, Said } from '../src/core/incident.ts';
import { printable } from '../src/core/printable.ts';
import type { Assessment, Verdict } from '../src/core/verdict.ts';
import { heldIncidents } from '../src/ledger/incidents.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { isWhole, type Scope } from './scope.ts';

/** A round that somebody holds: no audit repairs it until its incident is reopened. */
export interface HeldLine {
  incident: number;
  roundId: number | null;
  map: string | null;
  round: number | null;
  /** Local text of the server, as it stands on the row. */
  date: string | null;
  time: string | null;
  /** What the last audit that judged it said; null where none did since its repair was reverted. */
  verdict: Verdict | null;
  by: string;
  at: string;
  reason: string;
}

function heldLine({ id, round, verdict, held }: Incident & { held: Said }): HeldLine {
  const { roundId = null, map = null, number = null, date = null, time = null } = round ?? {};
  return { incident: id, roundId, map, round: number, date, time, verdict, ...held };
}

/** What people hold of a source and is left to do: of a part of it, where an audit looks at no more. */
export async function heldIn(
  ledger: Ledger | null,
  source: string,
  { scope, assessments }: { scope: Scope; assessments: readonly Assessment[] },
): Promise<HeldLine[]> {
  if (ledger === null) return [];
  const keys = isWhole(scope) ? null : new Set(assessments.map(({ key }) => key));
  const stored = await heldIncidents(ledger, source);
  return stored
    .filter(({ key }) => keys === null || keys.has(key))
    .map(({ state }) => state as unknown as Incident & { held: Said })
    .filter(({ status }) => status !== 'closed')
    .map(heldLine);
}

const mostNamed = 5;

/** Whether a repair may wait for the end of the hold: one was reverted, or the last audit saw one. */
const mayBeRepaired = ({ verdict }: HeldLine) =>
  verdict === null || verdict === 'recoverable' || verdict === 'relinkable';

/** What people hold, a line for each reason and what became of it: in a log of cron nobody has `incidents` before his eyes. */
export function heldTexts(held: readonly HeldLine[]): string[] {
  const byReason = new Map<string, HeldLine[]>();
  for (const line of held) {
    const what = mayBeRepaired(line) ? 'held, not repaired,' : `held, ${line.verdict},`;
    const why = `${what} by ${line.by}: ${line.reason || 'no reason was given'}`;
    byReason.set(why, [...(byReason.get(why) ?? []), line]);
  }
  return [...byReason].map(([why, lines]) => {
    const left = lines.length - mostNamed;
    const more = left > 0 ? ` and ${left} more (\`roundwarden incidents list\`)` : '';
    const [first] = lines;
    const named = lines
      .slice(0, mostNamed)
      .map(({ roundId, incident }) => `round ${roundId} (incident ${incident})`);
    const id = lines.length === 1 ? first!.incident : 'INCIDENT';
    const next = mayBeRepaired(first!) ? 'repair it' : 'judge it anew';
    return `${counted(lines.length, 'round')} ${printable(why)}: ${named.join(', ')}${more}; \`roundwarden incidents reopen ${id}\` has the next audit ${next}`;
  });
}
