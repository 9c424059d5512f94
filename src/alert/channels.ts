import type { Config } from '../config.ts';
import type { Channel } from './channel.ts';
import { discordChannel } from './discord.ts';
import { mailChannel } from './mail.ts';
import { webhookChannel } from './webhook.ts';

/** The channels that the settings name; none where nothing is set. */
export function channelsOf({ discordWebhookUrl, mail, alertWebhook }: Config): Channel[] {
  return [
    ...(discordWebhookUrl === null ? [] : [discordChannel(discordWebhookUrl)]),
    ...(mail === null ? [] : [mailChannel(mail)]),
    ...(alertWebhook === null ? [] : [webhookChannel(alertWebhook)]),
  ];
}
