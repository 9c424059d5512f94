/** Addresses by which anybody could write into a channel; also without their protocol, escaped or encoded. */
const slash = String.raw`(?:\\?/|%2F)+`;
const webhookAddress = new RegExp(
  `(?:https?(?::|%3A)${slash})?(?:[a-z0-9-]{1,63}\\.)?discord(?:app)?\\.com(?::\\d+)?${slash}api${slash}(?:v\\d+${slash})?webhooks${slash}(?!\\[masked\\])[^\\s"'<>)\\]]*`,
  'gi',
);

/** Characters that break lines, move the cursor, are not seen, or change the direction of writing. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text with every address of a webhook masked: who has it can write into the channel. */
export function withoutWebhooks(text: string): string {
  // Asked first, because a subdomain is looked for at every letter, and nearly no text has one.
  if (!/discord/i.test(text)) return text;
  return text.replace(webhookAddress, 'https://discord.com/api/webhooks/[masked]');
}

/** Text of the game's world on one line, without control characters and without addresses that are keys. */
export function oneLine(text: string): string {
  return withoutWebhooks(text.toWellFormed()).replace(unprintable, ' ');
}

/** True for a text in which nobody sees anything: blanks, controls, characters without a width. */
export function isBlank(text: string): boolean {
  return oneLine(text).trim() === '';
}

/** The same in Discord's Markdown, in at most `most` UTF-16 units: nothing is a mention, a mark-up or a link. */
export function forDiscord(text: string, most: number): string {
  const plain = oneLine(text);
  let [room, escaped] = [most, withoutMarkdown(cutMiddle(plain, most))];
  // Cut before it is escaped: afterwards a mark could lose its backslash.
  while (escaped.length > most) {
    room -= Math.ceil((escaped.length - most) / 2);
    escaped = withoutMarkdown(cutMiddle(plain, room));
  }
  return escaped;
}

function withoutMarkdown(plain: string): string {
  return plain
    .replace(/[\\*_~`|>#[\]()]/g, (mark) => `\\${mark}`)
    .replace(/[@<]/g, (mark) => `${mark}\u200b`)
    .replace(/:\/\//g, ':\u200b//');
}

/** The same inside a code block of Discord, in at most `most` UTF-16 units. */
export function forCodeBlock(text: string, most: number): string {
  return cutMiddle(oneLine(text).replace(/`/g, 'ˋ').replace(/@/g, '@\u200b'), most);
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** The same inside HTML, text and attributes alike. */
export function forHtml(text: string): string {
  return oneLine(text).replace(/[&<>"']/g, (mark) => entities[mark]!);
}

/** The value of a header: visible ASCII, all else percent-encoded. `decodeURIComponent` gives the text back. */
export function forHeader(text: string): string {
  return text.toWellFormed().replace(/[^\u0021-\u007e]|%/gu, encodeURIComponent);
}

const cut = ' … ';

/** Cut in the middle where it is longer than `most` UTF-16 units, between whole characters. */
export function cutMiddle(text: string, most: number): string {
  if (text.length <= most) return text;
  if (most <= cut.length) return '';
  const [head, tail] = [Math.ceil((most - cut.length) / 2), Math.floor((most - cut.length) / 2)];
  const whole = (part: string) => part.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
  return `${whole(text.slice(0, head))}${cut}${whole(text.slice(text.length - tail))}`;
}
