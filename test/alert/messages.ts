import type { Message, MessageGap } from '../../src/core/message.ts';

/** A key that anybody could write with. */
export const secretAddress = 'https://discord.com/api/webhooks/123456/abcDEF-secret_token';

/** What players call themselves, and what stands in logs. */
export const hostile = [
  '@everyone',
  '<@123456>',
  '`x`',
  '```',
  '<b>bold</b>',
  '<script>alert(1)</script>',
  '=SUM(A1)',
  '**x** [y](http://z)',
  'a\r\nBcc: victim@example.org',
  '\u202egnp.exe',
  secretAddress,
] as const;

export function aGap(given: Partial<MessageGap> = {}): MessageGap {
  return {
    roundId: 9856,
    matchId: '2026-02-16-212030',
    map: 'etl_adlernest',
    number: 2,
    session: 89,
    played: '2026-02-16 21:24:29',
    verdict: 'missing',
    because: 'module_crashed: bad argument #9',
    ...given,
  };
}

export function aMessage(given: Partial<Message> = {}): Message {
  return {
    key: 'production|session 89|2026-02-16T20:30:00.000Z|alert',
    level: 'alert',
    source: 'production',
    at: '2026-02-16T20:30:00.000Z',
    title: '[production] 1 round without a capture in session 89: etl_adlernest R2',
    text: 'The live pipeline has had its time.',
    gaps: [aGap()],
    logLines: [{ file: 'webhook.log', line: 63, text: 'Webhook trigger validated' }],
    command: 'roundwarden explain 9856',
    ledger: { seq: 52, hash: 'a'.repeat(64) },
    ...given,
  };
}

/** A message in which every text of the game is hostile. */
export function hostileMessage(name: string): Message {
  return aMessage({
    title: `no capture: ${name} R2`,
    text: `about ${name}`,
    gaps: [aGap({ map: name, matchId: name, because: name, played: name })],
    logLines: [{ file: 'webhook.log', line: 1, text: `said ${name} there` }],
    command: 'roundwarden explain 9856',
  });
}
