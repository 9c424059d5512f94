import { createHash } from 'node:crypto';
import { createTransport } from 'nodemailer';
import type { MailSettings } from '../config.ts';
import { cutMiddle, forHtml, oneLine } from '../core/harmless.ts';
import type { Message, MessageGap } from '../core/message.ts';
import { messageOf } from '../errors.ts';
import type { Channel, Delivery } from './channel.ts';

const headLine = ({ ledger }: Message) =>
  ledger === null ? 'ledger head: no ledger yet' : `ledger head: ${ledger.seq} ${ledger.hash}`;

const facts = ({ roundId, matchId, session, played }: MessageGap) =>
  `${played}, round ${roundId}, match ${matchId ?? 'none'}, session ${session ?? 'none'}`;
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
    headLine(message),
    '',
  ].join('\n');
}

function gapRow(gap: MessageGap): string {
  const cells = [
    `<strong>${forHtml(name(gap))}</strong>`,
    `${forHtml(gap.verdict ?? 'closed')}: ${forHtml(gap.because)}<br><small>${forHtml(facts(gap))}</small>`,
  ];
  return `<tr>${cells.map((cell) => `<td style="padding:4px 12px 4px 0;vertical-align:top">${cell}</td>`).join('')}</tr>`;
}

/** The message as HTML, without pictures, scripts or links. */
export function mailHtml(message: Message): string {
  const log = message.logLines.map(({ text }) => forHtml(text)).join('\n');
  return [
    '<!doctype html><html lang="en"><body style="font-family:sans-serif;max-width:44em">',
    `<h1 style="font-size:1.2em">${forHtml(message.title)}</h1>`,
    `<p>${forHtml(message.text)}</p>`,
    message.gaps.length === 0
      ? ''
      : `<table role="presentation">${message.gaps.map(gapRow).join('')}</table>`,
    log === ''
      ? ''
      : `<p>The last lines of the bot that matter:</p><pre style="white-space:pre-wrap">${log}</pre>`,
    message.command === null ? '' : `<p>Look closer: <code>${forHtml(message.command)}</code></p>`,
    `<p><small>${forHtml(headLine(message))}</small></p>`,
    '</body></html>',
  ].join('\n');
}

/**
 * A reply of 5xx is for good, everything else may pass. A refused login is tried again: it is mended in the
 * configuration, and the message must not be lost meanwhile.
 */
function judge(thrown: unknown, secret: string): Delivery {
  const { responseCode, code } = thrown as { responseCode?: number; code?: string };
  const text = messageOf(thrown);
  const why = secret === '' ? text : text.replaceAll(secret, '[masked]');
  const forGood = code !== 'EAUTH' && responseCode !== undefined && responseCode >= 500;
  return { state: forGood ? 'permanent' : 'temporary', why };
}

const passwordOf = (url: string) => decodeURIComponent(new URL(url).password);

/** Tells people by mail. The same message has the same Message-ID, by which programs know it again. */
export function mailChannel(mail: MailSettings, options: { patienceMs?: number } = {}): Channel {
  const patience = options.patienceMs ?? 15_000;
  const timeouts = { connectionTimeout: patience, greetingTimeout: patience, socketTimeout: patience * 2 };
  return {
    name: 'mail',
    async send(message) {
      const transport = createTransport({ url: mail.url, ...timeouts });
      try {
        await transport.sendMail({
          from: mail.from,
          to: mail.to,
          subject: cutMiddle(oneLine(message.title), 200),
          text: mailText(message),
          html: mailHtml(message),
          messageId: `<${createHash('sha256').update(message.key).digest('hex').slice(0, 32)}@roundwarden>`,
          date: new Date(message.at),
          headers: {
            'Auto-Submitted': 'auto-generated',
            'X-Roundwarden-Key': encodeURIComponent(message.key),
          },
        });
        return { state: 'delivered' };
      } catch (thrown) {
        return judge(thrown, passwordOf(mail.url));
      } finally {
        transport.close();
      }
    },
  };
}
