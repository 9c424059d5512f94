import { withoutWebhooks } from '../core/harmless.ts';

/** What is called a secret, with or without a word before it, and the sign before its value. */
const named = String.raw`(?<![a-z0-9])((?:token|password|passwd|secret|api_?key)["']?\s*[=:]\s*)`;

const secrets: readonly (readonly [RegExp, string])[] = [
  // Up to the last `@`: a password may hold `@`, and `/` where somebody forgot to encode it.
  [/([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/@:"'<>]*:[^\s"'<>]*|[^\s/"'<>]*)@/gi, '$1[masked]@'],
  [/\b(authorization["']?\s*[:=]\s*["']?(?:bearer |basic |bot )?)(?:[a-z]+ +)?[^\s"',}]+/gi, '$1[masked]'],
  [/\b(bearer\s+)[A-Za-z0-9._~+/-]{8,}=*/gi, '$1[masked]'],
  [new RegExp(`${named}"[^"]*"`, 'gi'), '$1"[masked]"'],
  [new RegExp(`${named}'[^']*'`, 'gi'), "$1'[masked]'"],
  [new RegExp(`${named}["']?(?!\\[masked)[^\\s"'&,;}]+`, 'gi'), '$1[masked]'],
];

/** So much of a line is kept as evidence. */
export const longestText = 500;
const cut = ' … ';

/** Cut in the middle, where it is too long: a line says at both ends what it is about. */
function shortened(text: string): string {
  const characters = [...text];
  if (characters.length <= longestText) return text;
  const kept = longestText - cut.length;
  const head = Math.ceil(kept / 2);
  return `${characters.slice(0, head).join('')}${cut}${characters.slice(characters.length - (kept - head)).join('')}`;
}

/**
 * A line as it may be stored and quoted: addresses with tokens, passwords and the like masked, control
 * characters as `·`, at most 500 characters (DOMAIN, section 5).
 */
export function masked(line: string): string {
  let text = withoutWebhooks(line);
  for (const [pattern, instead] of secrets) text = text.replace(pattern, instead);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return shortened(text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '·'));
}
