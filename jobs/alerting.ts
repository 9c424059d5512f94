import { configuredChannels } from '../src/alert/channel.ts';
import type { Source } from '../src/context.ts';
import { type AlertDecision, type AlertNews, decideAlerts } from '../src/core/alert.ts';
import { alertMessage, type Letterhead, stoppedMessage } from '../src/core/alert-text.ts';
import type { Incident } from '../src/core/incident.ts';
import { indexLogLines, type LogIndex, lastBotLines } from '../src/core/log-story.ts';
import type { Message } from '../src/core/message.ts';
import type { Json } from '../src/core/model.ts';
import type { EntryDraft } from '../src/core/record.ts';
import type { Situation } from '../src/core/situation.ts';
import { openAlertGroups, saveAlertGroups } from '../src/ledger/alert-groups.ts';
import { append } from '../src/ledger/append.ts';
import { head } from '../src/ledger/entries.ts';
import { incidentsByKeys } from '../src/ledger/incidents.ts';
import { enqueue } from '../src/ledger/outbox.ts';
import type { AuditRequest, Look } from './look.ts';
import { type Plan, repairCount } from './planning.ts';
import type { Run } from './run.ts';
import { asOptions } from './scope.ts';

/** So many lines of the bot's log stand in a message. */
const messageLines = 8;

const entryKind = {
  alert: 'alert.raised',
  urgent: 'alert.urgent',
  recovery: 'alert.recovered',
} as const;

async function letterhead(run: Run, source: Source): Promise<Letterhead> {
  return { source: source.name, at: run.at, ledger: await head(run.ledger) };
}

function roundsOf(news: AlertNews): number[] {
  return news.level === 'recovery'
    ? news.endings.map(({ gap }) => gap.roundId)
    : news.gaps.map(({ roundId }) => roundId);
}

function alertEntry(news: AlertNews, message: Message, run: Run): EntryDraft {
  const { group, level } = news;
  const body = {
    run: run.id,
    group: group.key,
    message: message.key,
    title: message.title,
    rounds: roundsOf(news),
  };
  return {
    kind: entryKind[level],
    source: message.source,
    key: `alert:${group.key}`,
    body: body as unknown as Json,
  };
}

async function decide(
  request: AuditRequest,
  of: { run: Run; source: Source; seen: Look },
): Promise<AlertDecision> {
  const { run, source, seen } = of;
  const { database } = run.ledger;
  const groups = await openAlertGroups(database, source.name);
  const { assessments } = seen.plan;
  const gaps = assessments.filter(({ verdict }) => verdict !== null && verdict !== 'covered');
  const keys = new Set([...gaps, ...groups.flatMap((group) => group.gaps)].map(({ key }) => key));
  const stored = await incidentsByKeys(run.ledger, source.name, [...keys]);
  const incidents = new Map(stored.map(({ key, state }) => [key, state as unknown as Incident]));
  const { zone, settleHours } = request.config;
  return decideAlerts({ assessments, incidents, groups, zone, nowUnix: run.nowUnix, settleHours });
}

/** The last lines of the bot's log that are of the rounds that news is about. */
function linesOf(news: AlertNews, situation: Situation, index: LogIndex) {
  const rounds = roundsOf(news).flatMap((id) => situation.roundById.get(id) ?? []);
  return lastBotLines(situation, rounds, { index, most: messageLines });
}

/**
 * Decides what people are told of what is true after a run, and puts it into the outbox in the transaction that
 * records it. A run that looks at a part only, tells nobody: it does not know what else is open.
 */
export async function alertPeople(
  request: AuditRequest,
  of: { run: Run; source: Source; seen: Look },
): Promise<void> {
  if (request.scope.kind !== 'lookback' && request.scope.kind !== 'all') return;
  const { run, source, seen } = of;
  const { news, changed, closed, notes } = await decide(request, of);
  for (const { round } of notes)
    request.log.info({ roundId: round.id, map: round.map, round: round.number }, 'no capture yet');
  if (news.length + changed.length + closed.length === 0) return;
  const paper = await letterhead(run, source);
  const index = indexLogLines(seen.stories, seen.lines);
  const messages = news.map((one) => alertMessage(one, paper, linesOf(one, seen.stories, index)));
  const drafts = news.map((one, at) => alertEntry(one, messages[at]!, run));
  await append(run.ledger, drafts, run.at, {
    inside: async (inside) => {
      await saveAlertGroups(inside, source.name, { changed, closed });
      await enqueue(inside, messages, configuredChannels(request.config), run.at);
    },
  });
}

/** The message of a plan that MAX_REPAIRS stopped. */
export async function stopMessage(
  request: AuditRequest,
  of: { run: Run; source: Source; plan: Plan },
): Promise<Message> {
  const { fingerprint } = of.plan;
  const options = asOptions(request.scope);
  const command = `roundwarden audit ${options === '' ? '' : `${options} `}--expect ${fingerprint}`;
  const plan = { fingerprint, repairs: repairCount(of.plan), limit: request.config.maxRepairs, command };
  return stoppedMessage(plan, await letterhead(of.run, of.source));
}
