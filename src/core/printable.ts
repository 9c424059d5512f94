/**
 * Text of the game's world, harmless for a terminal: control characters, and the characters that change
 * the direction of writing or break lines, become a dot.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '·');
}

/** The same for a message of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
