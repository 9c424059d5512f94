import { counted } from '../src/core/counted.ts';
import type { Incident, Said } from '../src/core/incident.ts';
import { printable } from '../src/core/printable.ts';
import type { Verdict } from '../src/core/verdict.ts';
import { heldIncidents } from '../src/ledger/incidents.ts';
import type { Ledger } from '../src/ledger/ledger.ts';

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

/** What people hold of a source; of `keys` alone where they are given. */
export async function heldIn(
  ledger: Ledger,
  source: string,
  keys: ReadonlySet<string> | null,
): Promise<HeldLine[]> {
  const stored = await heldIncidents(ledger, source);
  return stored
    .filter(({ key }) => keys === null || keys.has(key))
    .map(({ state }) => heldLine(state as unknown as Incident & { held: Said }));
}

const mostNamed = 5;

/** What people hold, a line for each reason: in a log of cron nobody has `incidents` before his eyes. */
export function heldTexts(held: readonly HeldLine[]): string[] {
  const byReason = new Map<string, HeldLine[]>();
  for (const line of held) {
    const why = `by ${line.by}: ${line.reason || 'no reason was given'}`;
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
    return `${counted(lines.length, 'round')} held, not repaired, ${printable(why)}: ${named.join(', ')}${more}; \`roundwarden incidents reopen ${id}\` has the next audit repair it`;
  });
}
