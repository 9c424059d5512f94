/** Addresses by which anybody could write into a channel. */
const webhookAddress =
  /https?:\/\/(?:[a-z]+\.)?discord(?:app)?\.com\/api\/(?:v\d+\/)?webhooks\/[^\s"'<>)\]]*/gi;

/** Characters that break lines, move the cursor, or change the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Text of the game's world on one line, without control characters and without addresses that are keys. */
export function oneLine(text: string): string {
  return text.replace(webhookAddress, 'https://discord.com/api/webhooks/[masked]').replace(unprintable, ' ');
}

/** The same in Discord's Markdown: nothing is a mention, a mark-up, a link or a code block. */
export function forDiscord(text: string): string {
  return oneLine(text)
    .replace(/[\\*_~`|>#[\]()]/g, (mark) => `\\${mark}`)
    .replace(/[@<]/g, (mark) => `${mark}\u200b`)
    .replace(/:\/\//g, ':\u200b//');
}

/** The same inside a code block of Discord. */
export function forCodeBlock(text: string): string {
  return oneLine(text).replace(/`/g, 'ˋ').replace(/@/g, '@\u200b');
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

/** Cut in the middle where it is longer than `most` UTF-16 units, between whole characters. */
export function cutMiddle(text: string, most: number): string {
  if (text.length <= most) return text;
  const mark = ' … ';
  const [head, tail] = [Math.ceil((most - mark.length) / 2), Math.floor((most - mark.length) / 2)];
  const whole = (part: string) => part.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
  return `${whole(text.slice(0, head))}${mark}${whole(text.slice(text.length - tail))}`;
}
