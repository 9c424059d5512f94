import { forCodeBlock, forDiscord } from '../core/harmless.ts';
import type { Level, Message, MessageGap } from '../core/message.ts';
import type { Channel } from './channel.ts';
import { postJson } from './http.ts';

/** What Discord accepts, in UTF-16 units; anything longer is refused whole. */
export const limits = {
  title: 256,
  description: 4_096,
  fields: 25,
  fieldName: 256,
  fieldValue: 1_024,
  footer: 2_048,
  message: 6_000,
} as const;

const colours: Record<Level, number> = {
  alert: 0xe6a23c,
  urgent: 0xd93025,
  recovery: 0x2e9e5b,
  stopped: 0x8a5cf6,
  report: 0x3b82c4,
};

interface Field {
  name: string;
  value: string;
}

function gapField(gap: MessageGap): Field {
  const { map, number, roundId, matchId, session, played, verdict, because } = gap;
  const facts = [
    `${verdict ?? 'closed'}: ${forDiscord(because, 700)}`,
    `round ${roundId}, match ${forDiscord(matchId ?? 'none', 150)}, session ${session ?? 'none'}`,
  ];
  const name = `${forDiscord(map ?? '?', 100)} R${number ?? '?'}, ${forDiscord(played, 100)}`;
  return { name, value: facts.join('\n') };
}

const codeBlock = (lines: readonly string[]) => `\`\`\`\n${lines.join('\n')}\n\`\`\``;

/** The last lines of the bot's log that find room; the oldest go first. */
function logField(message: Message): Field[] {
  const lines = message.logLines.map(({ text }) => forCodeBlock(text, 300));
  while (lines.length > 0 && codeBlock(lines).length > limits.fieldValue) lines.shift();
  return lines.length === 0 ? [] : [{ name: 'bot log', value: codeBlock(lines) }];
}

const lengthOf = (fields: readonly Field[]) =>
  fields.reduce((sum, { name, value }) => sum + name.length + value.length, 0);

/** As many gaps as there is room for, and how many there are besides. */
function gapFields(gaps: readonly MessageGap[], room: { fields: number; length: number }): Field[] {
  const fields: Field[] = [];
  for (const gap of gaps) {
    const field = gapField(gap);
    const more = 60;
    if (fields.length >= room.fields - 1 || lengthOf([...fields, field]) + more > room.length) break;
    fields.push(field);
  }
  const left = gaps.length - fields.length;
  return left === 0 ? fields : [...fields, { name: `and ${left} more`, value: 'roundwarden incidents' }];
}

/** A message as Discord's webhook takes it, inside every limit, with nobody mentioned. */
export function discordBody(message: Message): object {
  const { level, ledger, command, at } = message;
  const title = forDiscord(message.title, limits.title);
  const text = forDiscord(message.text, 1_000);
  const closer = command === null ? '' : `\n\`${forCodeBlock(command, 400)}\``;
  const footer = ledger === null ? 'no ledger yet' : `ledger head: ${ledger.seq} ${ledger.hash}`;
  const log = logField(message);
  const spent = title.length + text.length + closer.length + footer.length + lengthOf(log);
  const room = { fields: limits.fields - log.length, length: limits.message - spent };
  const fields = [...gapFields(message.gaps, room), ...log];
  return {
    username: 'Roundwarden',
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title,
        description: text + closer,
        color: colours[level],
        fields,
        footer: { text: footer },
        timestamp: at,
      },
    ],
  };
}

/** Discord answers 204 before it has kept a message, unless it is told to wait: then a loss would look like success. */
function confirmed(url: string): string {
  const address = new URL(url);
  address.searchParams.set('wait', 'true');
  return address.href;
}

/** Tells a Discord channel through its webhook. The address is a secret and stands in no error. */
export function discordChannel(url: string, options: { patienceMs?: number } = {}): Channel {
  return {
    name: 'discord',
    send: async (message) => postJson(confirmed(url), JSON.stringify(discordBody(message)), options),
  };
}
