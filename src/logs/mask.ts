import { cutMiddle, withoutWebhooks } from '../core/harmless.ts';
import { printable } from '../core/printable.ts';

/** What is called a secret, with or without a word before it, and the sign before its value. */
const named = String.raw`(?<![a-z0-9])((?:token|password|passwd|secret|api_?key)["']?\s*[=:]\s*)`;

/** Up to the last `@`: a password may hold `@`, and `/` where somebody forgot to encode it. */
const user = /([a-z][a-z0-9+.-]{0,30}:\/\/)(?:[^\s/@:"'<>]*:[^\s"'<>]*|[^\s/"'<>]*)@/gi;

/** Masks who logs in, word by word and only before its last `@`: a long line must cost no more than its length. */
function withoutUsers(text: string): string {
  if (!text.includes('@')) return text;
  return text.replace(/[^\s"'<>]+/g, (word) => {
    const end = word.lastIndexOf('@') + 1;
    return word.slice(0, end).replace(user, '$1[masked]@') + word.slice(end);
  });
}

const secrets: readonly (readonly [RegExp, string])[] = [
  [/\b(authorization["']?\s*[:=]\s*["']?(?:bearer |basic |bot )?)(?:[a-z]+ +)?[^\s"',}]+/gi, '$1[masked]'],
  [/\b(bearer\s+)[A-Za-z0-9._~+/-]{8,}=*/gi, '$1[masked]'],
  [new RegExp(`${named}"[^"]*"`, 'gi'), '$1"[masked]"'],
  [new RegExp(`${named}'[^']*'`, 'gi'), "$1'[masked]'"],
  [new RegExp(`${named}["']?(?!\\[masked)[^\\s"'&,;}]+`, 'gi'), '$1[masked]'],
];

/** Asked first, because nearly no text has one of these words, and each secret has. */
const namesSecret = /authorization|bearer|token|passw|secret|api_?key/i;

function withoutSecrets(text: string): string {
  if (!namesSecret.test(text)) return text;
  return secrets.reduce((masking, [pattern, instead]) => masking.replace(pattern, instead), text);
}

/** So much of a line is kept as evidence. */
export const longestText = 500;

/**
 * A line as it may be stored and quoted: addresses with tokens, passwords and the like masked, control
 * characters as `·`, at most 500 characters (DOMAIN, section 5).
 */
export function masked(line: string): string {
  const text = withoutSecrets(withoutUsers(withoutWebhooks(line)));
  // Cut in the middle, where it is too long: a line says at both ends what it is about.
  return cutMiddle(printable(text), longestText);
}
