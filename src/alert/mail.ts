import { createHash } from 'node:crypto';
import { createTransport, type SendMailOptions, type Transporter } from 'nodemailer';
import type { Attachment } from 'nodemailer/lib/mailer/index.js';
import type { SentMessageInfo } from 'nodemailer/lib/smtp-transport/index.js';
import type { MailSettings } from '../config.ts';
import { cutMiddle, forHeader, forHtml, oneLine } from '../core/harmless.ts';
import { headLine } from '../core/head-line.ts';
import { isLoopback } from '../core/loopback.ts';
import type { MailPart, Message, MessageGap } from '../core/message.ts';
import { codeOf, messageOf } from '../errors.ts';
import type { Channel, Delivery } from './channel.ts';
import { withoutSecrets } from './secrets.ts';

const facts = ({ roundId, matchId, session, played }: MessageGap) =>
  `played ${played}, round ${roundId}, match ${matchId ?? 'none'}, session ${session ?? 'none'}`;
const name = ({ map, number }: MessageGap) => `${map ?? '?'} R${number ?? '?'}`;

/** The message as plain text: a subject cannot become a header, and no line begins like a formula. */
export function mailText(message: Message): string {
  const gaps = message.gaps.map(
    (gap) =>
      `* ${oneLine(name(gap))}: ${gap.verdict ?? 'closed'}, ${oneLine(gap.because)}\n  ${oneLine(facts(gap))}`,
  );
  const log = message.logLines.map(({ text }) => `  | ${oneLine(text)}`);
  return [
    oneLine(message.text),
    ...(gaps.length === 0 ? [] : ['', ...gaps]),
    ...(log.length === 0 ? [] : ['', 'The last lines of the bot that matter:', ...log]),
    ...(message.command === null ? [] : ['', `Look closer: ${oneLine(message.command)}`]),
    '',
    headLine(message.ledger),
    '',
  ].join('\n');
}

/** A word before each name: what begins a line, begins a cell of whoever pastes it into a table. */
function gapItem(gap: MessageGap): string {
  const { verdict, because } = gap;
  return `<li>map <strong>${forHtml(name(gap))}</strong>, ${forHtml(verdict ?? 'closed')}: ${forHtml(because)}<br><small>${forHtml(facts(gap))}</small></li>`;
}

/** The message as HTML, without pictures, scripts or links. */
export function mailHtml(message: Message): string {
  const log = message.logLines.map(({ text }) => forHtml(text)).join('\n');
  return [
    '<!doctype html><html lang="en"><body style="font-family:sans-serif;max-width:44em">',
    `<h1 style="font-size:1.2em">${forHtml(message.title)}</h1>`,
    `<p>${forHtml(message.text)}</p>`,
    message.gaps.length === 0 ? '' : `<ul>${message.gaps.map(gapItem).join('\n')}</ul>`,
    log === ''
      ? ''
      : `<p>The last lines of the bot that matter:</p><pre style="white-space:pre-wrap">${log}</pre>`,
    message.command === null ? '' : `<p>Look closer: <code>${forHtml(message.command)}</code></p>`,
    `<p><small>${forHtml(headLine(message.ledger))}</small></p>`,
    '</body></html>',
  ].join('\n');
}

/** Replies about the login (RFC 4954, section 6): a person mends them in the settings. */
const loginReplies: ReadonlySet<number> = new Set([530, 534, 535, 538]);

/**
 * A reply of 5xx is for good, everything else may pass. A refused login, or an encryption that is not to be had, is
 * tried again: a person can mend the settings within the day, and the message must not be lost meanwhile.
 */
function judge(thrown: unknown, url: string): Delivery {
  const { responseCode = 0, code } = thrown as { responseCode?: number; code?: string };
  const settings = code === 'EAUTH' || code === 'ETLS' || loginReplies.has(responseCode);
  return {
    state: !settings && responseCode >= 500 ? 'permanent' : 'temporary',
    why: cutMiddle(oneLine(withoutSecrets(messageOf(thrown), loginOf(url))), 300),
  };
}

/** The password by itself, and as PLAIN sends it with the user (RFC 4616). */
function loginOf(url: string): string[] {
  const { username, password } = new URL(url);
  return password === '' ? [] : [password, `\u0000${username}\u0000${password}`];
}

/**
 * A server may take a mail for some of its receivers only. Sent again, it would come twice to the others; so it
 * is given up, and says for whom.
 */
function accepted({ rejected, rejectedErrors }: SentMessageInfo): Delivery {
  if (rejected.length === 0) return { state: 'delivered' };
  const reasons = (rejectedErrors ?? []).map(messageOf).join('; ');
  const why = `it was sent, but not to ${rejected.join(', ')}: ${reasons}`;
  return { state: 'permanent', why: cutMiddle(oneLine(why), 300) };
}

function attachmentOf({ name, type, contentId, content }: MailPart): Attachment {
  const shown = contentId === null ? {} : { cid: contentId, contentDisposition: 'inline' as const };
  return { filename: name, contentType: type, content: Buffer.from(content, 'base64'), ...shown };
}

function mailOf(message: Message, { from, to }: MailSettings): SendMailOptions {
  const id = createHash('sha256').update(message.key).digest('hex').slice(0, 32);
  return {
    from,
    to,
    subject: cutMiddle(oneLine(message.title), 200),
    text: message.mail?.text ?? mailText(message),
    html: message.mail?.html ?? mailHtml(message),
    attachments: message.mail?.attachments.map(attachmentOf),
    messageId: `<${id}@roundwarden>`,
    date: new Date(message.at),
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Roundwarden-Key': forHeader(message.key) },
    // Nothing of a message is ever a path or an address to load from.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/**
 * Whether the connection must become encrypted before anything is said. A password goes to no other host in the clear,
 * also where somebody on the way hides that the server could encrypt; `?requireTLS=` in the address decides otherwise.
 */
export function mustEncrypt(url: string): boolean {
  const { hostname, password, searchParams } = new URL(url);
  const asked = searchParams.get('requireTLS');
  return asked === null ? password !== '' && !isLoopback(hostname) : asked === 'true';
}

/**
 * So long one mail may take in all: a server that says one line more again and again is never silent, and an audit, which
 * holds its lease meanwhile, tries three. Shorter than a message is claimed for in the outbox, so that nobody sends it
 * twice meanwhile.
 */
const defaultLimitMs = 60_000;

/** The library's code of what was aborted. */
const aborted = 'EABORT';

/** The library closes the connection where the signal is aborted; its types are older than that. */
interface Limited extends SendMailOptions {
  signal: AbortSignal;
}

/**
 * Tells people by mail. The same message has the same Message-ID, by which programs know it again. `patienceMs` bounds
 * the silence of a server, `limitMs` the whole of one mail.
 */
export function mailChannel(
  mail: MailSettings,
  options: { patienceMs?: number; limitMs?: number } = {},
): Channel {
  const { patienceMs: patience = 15_000, limitMs = defaultLimitMs } = options;
  const timeouts = { connectionTimeout: patience, greetingTimeout: patience, socketTimeout: patience * 2 };
  return {
    name: 'mail',
    async send(message) {
      const signal = AbortSignal.timeout(limitMs);
      let transport: Transporter<SentMessageInfo> | undefined;
      try {
        transport = createTransport({
          url: mail.url,
          requireTLS: mustEncrypt(mail.url),
          ...(mail.ca === null ? {} : { tls: { ca: mail.ca } }),
          dnsTimeout: patience,
          ...timeouts,
        });
        const limited: Limited = { ...mailOf(message, mail), signal };
        return accepted(await transport.sendMail(limited));
      } catch (thrown) {
        if (codeOf(thrown) === aborted)
          return { state: 'temporary', why: `it was not sent within ${limitMs / 1000} s` };
        return judge(thrown, mail.url);
      } finally {
        transport?.close();
      }
    },
  };
}
