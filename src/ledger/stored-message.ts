import { z } from 'zod';
import { levels, type Message } from '../core/message.ts';
import { verdicts } from '../core/verdict.ts';

/** A gap as it stands in a stored message. */
export const storedGap = z.object({
  roundId: z.int(),
  matchId: z.string().nullable(),
  map: z.string().nullable(),
  number: z.int().nullable(),
  session: z.int().nullable(),
  played: z.string(),
  verdict: z.enum(verdicts).nullable(),
  because: z.string(),
});

const mailBody = z.object({
  html: z.string(),
  text: z.string(),
  attachments: z.array(
    z.object({ name: z.string(), type: z.string(), contentId: z.string().nullable(), content: z.string() }),
  ),
});

/** A message as it stands in the outbox: another version may have put it there. */
export const storedMessage = z.object({
  key: z.string(),
  level: z.enum(levels),
  source: z.string(),
  at: z.iso.datetime(),
  title: z.string(),
  text: z.string(),
  gaps: z.array(storedGap),
  logLines: z.array(z.object({ file: z.string(), line: z.int(), text: z.string() })),
  command: z.string().nullable(),
  mail: mailBody.optional(),
  ledger: z.object({ seq: z.int(), hash: z.string() }).nullable(),
}) satisfies z.ZodType<Message>;
