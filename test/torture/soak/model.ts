import { excusedAfterSeconds, heldFor, type Played } from './world.ts';

/** What the soak says an audit must come to, told from what the world did, with none of the code that is tried. */
interface Told {
  verdict: string;
  /** None, open, written off, closed. */
  incident: 'none' | 'open' | 'written off' | 'closed';
  said: string;
  /** The incident remembers its artifact, of which there is a copy. */
  kept: boolean;
  repaired: boolean;
  excused: boolean;
  held: boolean;
}

interface Group {
  urgent: boolean;
  gaps: Set<number>;
}

const grace = 5 * 60;
const settle = 24 * 3_600;
const urgent = 30 * 60;
const loudVerdicts = new Set(['damaged', 'unchecked', 'missing', 'recoverable', 'relinkable']);

/** Counts the entries and messages that a world owes, cycle by cycle. */
export class Model {
  readonly entries: Record<string, number> = {};
  readonly messages = { webhook: 0, webhookRefused: 0, mail: 0 };
  packets = 0;
  #told = new Map<number, Told>();
  #groups = new Map<number, Group>();
  #placeAway = false;
  #played: readonly Played[];

  constructor(played: readonly Played[]) {
    this.#played = played;
  }

  #owe(kind: string): void {
    this.entries[kind] = (this.entries[kind] ?? 0) + 1;
  }

  #of(id: number): Told {
    const fresh: Told = {
      ...{
        verdict: '',
        incident: 'none',
        said: '',
        kept: false,
        repaired: false,
        excused: false,
        held: false,
      },
    };
    if (!this.#told.has(id)) this.#told.set(id, fresh);
    return this.#told.get(id)!;
  }

  #verdict(played: Played, told: Told, at: { unix: number; away: boolean }): string {
    const age = at.unix - played.fileUnix;
    const captured = played.captureUnix !== null && played.captureUnix <= at.unix;
    const linked = captured && played.fate !== 'captured without a link';
    if (linked || told.repaired) return 'covered';
    if (age < grace) return 'pending';
    if (captured) return 'relinkable';
    const there = played.artifactUnix !== null && played.artifactUnix <= at.unix && !at.away;
    if (there || told.kept) return played.fate === 'damaged artifact' ? 'damaged' : 'recoverable';
    if (at.away) return 'unchecked';
    return age < settle && told.incident !== 'written off' ? 'missing' : 'lost';
  }

  /** What is written down of one round before its repair. */
  #record(told: Told, verdict: string): void {
    if (verdict === 'pending') return;
    if (verdict === 'covered') {
      if (told.incident === 'open' || told.incident === 'written off') this.#owe('gap.closed');
      if (told.incident !== 'none') told.incident = 'closed';
      return;
    }
    if (verdict === 'lost') {
      if (told.incident === 'written off') return;
      this.#owe('gap.written_off');
      this.packets += 1;
      told.incident = 'written off';
    } else if (told.incident === 'none') {
      this.#owe('gap.found');
      told.incident = 'open';
    } else {
      if (verdict === 'unchecked' || verdict === told.said) return;
      this.#owe('gap.changed');
      told.incident = 'open';
    }
    told.said = verdict;
    if (verdict === 'damaged' || verdict === 'recoverable') told.kept = true;
  }

  #repair(told: Told, verdict: string): void {
    if ((verdict !== 'recoverable' && verdict !== 'relinkable') || told.held) return;
    this.#owe('repair.started');
    this.#owe('repair.done');
    told.repaired = true;
    told.incident = 'closed';
    told.verdict = 'covered';
  }

  #say(kind: string, refused: boolean): void {
    this.#owe(kind);
    this.messages.mail += 1;
    this.messages.webhook += 1;
    if (refused) this.messages.webhookRefused += 1;
  }

  /** One evening is one session, of which people hear together. */
  #alert(session: number, rounds: readonly Played[], at: { unix: number; refuses: boolean }): void {
    const isLoud = ({ id }: Played) => {
      const { verdict, excused, held } = this.#of(id);
      return loudVerdicts.has(verdict) && !excused && !held;
    };
    const loud = rounds.filter(isLoud);
    const group = this.#groups.get(session);
    if (loud.length === 0) {
      const ended = [...(group?.gaps ?? [])].map((id) => this.#of(id).verdict);
      if (ended.includes('pending')) return;
      if (ended.some((verdict) => verdict === 'covered' || verdict === 'lost'))
        this.#say('alert.recovered', at.refuses);
      this.#groups.delete(session);
      return;
    }
    const ageOf = ({ fileUnix }: Played) => at.unix - fileUnix;
    if (group === undefined && loud.every((round) => ageOf(round) >= settle)) return;
    const second = rounds.filter(({ game }) => game.number === 2);
    const twice = second.some((round, place) => place > 0 && isLoud(round) && isLoud(second[place - 1]!));
    const isUrgent = twice || loud.some((round) => ageOf(round) >= urgent);
    if (isUrgent && !group?.urgent) this.#say('alert.urgent', at.refuses);
    else if (group === undefined) this.#say('alert.raised', at.refuses);
    const gaps = new Set([...(group?.gaps ?? []), ...loud.map(({ id }) => id)]);
    this.#groups.set(session, { urgent: isUrgent || group?.urgent === true, gaps });
  }

  /** One audit. Returns how many rounds it must say are covered afterwards, of all that were played. */
  audit(at: { unix: number; away: boolean; refuses: boolean }): void {
    if (at.away !== this.#placeAway) this.#owe(at.away ? 'place.unreadable' : 'place.readable');
    this.#placeAway = at.away;
    const there = this.#played.filter(({ fileUnix }) => fileUnix <= at.unix);
    const sessions = new Map<number, Played[]>();
    for (const played of there) {
      const told = this.#of(played.id);
      told.verdict = this.#verdict(played, told, at);
      this.#record(told, told.verdict);
      this.#repair(told, told.verdict);
      sessions.set(played.session, [...(sessions.get(played.session) ?? []), played]);
    }
    for (const [session, rounds] of sessions) this.#alert(session, rounds, at);
  }

  report(): void {
    this.#owe('report.made');
    this.messages.mail += 1;
  }

  /** What people decide after the audit of this moment. */
  decisions(
    unix: number,
  ): { id: number; kind: 'incident.held' | 'incident.reopened' | 'incident.excused' }[] {
    return this.#played.flatMap((played) => {
      const told = this.#of(played.id);
      const age = unix - played.fileUnix;
      const decided = (kind: 'incident.held' | 'incident.reopened' | 'incident.excused') => {
        this.#owe(kind);
        return [{ id: played.id, kind }];
      };
      const excusedAfter = excusedAfterSeconds[played.fate];
      if (excusedAfter !== undefined && !told.excused && age >= excusedAfter) {
        told.excused = true;
        return decided('incident.excused');
      }
      if (played.fate !== 'held, artifact 3 h late' || told.repaired) return [];
      if (!told.held && age >= heldFor.fromSeconds && age < heldFor.untilSeconds) {
        told.held = true;
        return decided('incident.held');
      }
      if (told.held && age >= heldFor.untilSeconds) {
        told.held = false;
        return decided('incident.reopened');
      }
      return [];
    });
  }

  /** Entries of all kinds. */
  get total(): number {
    return Object.values(this.entries).reduce((sum, count) => sum + count, 0);
  }

  /** Rounds with a capture, of those that were played by now. */
  coveredAmong(unix: number): number {
    return this.#played.filter(({ id, fileUnix }) => fileUnix <= unix && this.#of(id).verdict === 'covered')
      .length;
  }
}
