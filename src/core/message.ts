import type { LogQuote } from './log-event.ts';
import type { Verdict } from './verdict.ts';

/** How loud a message is. `stopped`: a plan over MAX_REPAIRS waits for a person. `report`: the daily report. */
export const levels = ['alert', 'urgent', 'recovery', 'stopped', 'report'] as const;
export type Level = (typeof levels)[number];

/** A mail that says more than its message does; made once, so that every attempt sends the same. */
export interface MailBody {
  html: string;
  text: string;
  attachments: readonly MailPart[];
}

/** A picture that the page shows by its content id, or a file that is attached. */
export interface MailPart {
  name: string;
  /** Its media type. */
  type: string;
  /** Null where no page shows it. */
  contentId: string | null;
  /** Its bytes in base64. */
  content: string;
}

/** A gap as a message names it. Texts are as the game wrote them; each channel makes them harmless. */
export interface MessageGap {
  roundId: number;
  matchId: string | null;
  map: string | null;
  number: number | null;
  session: number | null;
  /** Local date and time of the server, or what stands there where it cannot be read. */
  played: string;
  /** Null where it is gone: healed, written off. */
  verdict: Verdict | null;
  /** The cause's code and sentence, or what became of the gap. */
  because: string;
}

/** What people are told, the same on every channel. */
export interface Message {
  /** The same key is the same message: nobody wants it twice. */
  key: string;
  level: Level;
  source: string;
  /** UTC with milliseconds. */
  at: string;
  /** One line; the subject of a mail. */
  title: string;
  /** A few sentences. */
  text: string;
  gaps: readonly MessageGap[];
  /** The last lines of the bot's log that matter. */
  logLines: readonly LogQuote[];
  /** How to look closer. */
  command: string | null;
  /** What a mail shows instead of the text and the gaps; only of a report. */
  mail?: MailBody;
  /** The ledger's head when this was said: a mailbox is a witness. */
  ledger: { seq: number; hash: string } | null;
}
