import type { AlertGap, AlertNews, Ending } from './alert.ts';
import { counted } from './counted.ts';
import type { LogQuote } from './log-event.ts';
import type { Message, MessageGap } from './message.ts';

const name = ({ map, number }: AlertGap) => `${map ?? '?'} R${number ?? '?'}`;

/** `supply R2, te_escape2 R2 and 3 more`. */
function names(gaps: readonly AlertGap[]): string {
  const shown = gaps.slice(0, 3).map(name).join(', ');
  return gaps.length > 3 ? `${shown} and ${gaps.length - 3} more` : shown;
}

/** `4 min`, `2 h 5 min`, `3 d 4 h`: as exact as people want to know it. */
export function durationText(seconds: number): string {
  const minutes = Math.max(0, Math.round(seconds / 60));
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function endingsText(endings: readonly { ending: Ending }[]): string {
  const counts = new Map<Ending, number>();
  for (const { ending } of endings) counts.set(ending, (counts.get(ending) ?? 0) + 1);
  return [...counts].map(([ending, count]) => `${count} ${ending}`).join(', ');
}

function titleOf(news: AlertNews): string {
  const about = news.group.key;
  if (news.level === 'recovery')
    return `recovered: ${about}, ${endingsText(news.endings)} after ${durationText(news.seconds)}`;
  const what = `${counted(news.gaps.length, 'round')} without a capture in ${about}: ${names(news.gaps)}`;
  if (news.level === 'alert') return what;
  return `urgent: ${news.why === 'two_r2' ? 'two second rounds in a row, ' : ''}${what}`;
}

function textOf(news: AlertNews): string {
  if (news.level === 'recovery') return 'No gap of it is open any more.';
  if (news.level === 'alert') return 'The live pipeline has had its time. Roundwarden keeps looking.';
  return news.why === 'two_r2'
    ? 'Second rounds are going missing one after the other: look at the game server now, while its console log is there.'
    : 'It has been open for half an hour: look at the game server now, while its console log is there.';
}

const messageGap = (gap: AlertGap, of: Pick<MessageGap, 'verdict' | 'because'>): MessageGap => {
  const { roundId, matchId, map, number, session, played } = gap;
  return { roundId, matchId, map, number, session, played, ...of };
};

function gapsOf(news: AlertNews): MessageGap[] {
  if (news.level === 'recovery')
    return news.endings.map(({ gap, ending }) => messageGap(gap, { verdict: null, because: ending }));
  return news.gaps.map((gap) => messageGap(gap, gap));
}

/** What every message of a run says besides its news. */
export interface Letterhead {
  source: string;
  /** UTC with milliseconds. */
  at: string;
  ledger: Message['ledger'];
}

/** News as a message; `logLines` are the last lines of the bot's log that matter. */
export function alertMessage(news: AlertNews, head: Letterhead, logLines: readonly LogQuote[]): Message {
  const { source, at, ledger } = head;
  const { group, level } = news;
  const gaps = gapsOf(news);
  const [first] = gaps;
  return {
    key: `${source}|${group.key}|${group.openedAt}|${level}`,
    level,
    source,
    at,
    title: `[${source}] ${titleOf(news)}`,
    text: textOf(news),
    gaps,
    logLines,
    command: first === undefined ? null : `roundwarden explain ${first.roundId}`,
    ledger,
  };
}

/** A plan over MAX_REPAIRS, which waits for a person. */
export function stoppedMessage(
  plan: { fingerprint: string; repairs: number; limit: number; command: string },
  head: Letterhead,
): Message {
  const { source, at, ledger } = head;
  return {
    key: `${source}|plan|${plan.fingerprint}|stopped`,
    level: 'stopped',
    source,
    at,
    title: `[${source}] stopped: a plan of ${plan.repairs} repairs is over MAX_REPAIRS (${plan.limit})`,
    text: `Nothing was repaired. Look at the plan, and if it is right, run the command. Fingerprint ${plan.fingerprint}.`,
    gaps: [],
    logLines: [],
    command: plan.command,
    ledger,
  };
}
