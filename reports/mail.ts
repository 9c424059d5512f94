import type { MailBody, MailPart } from '../src/core/message.ts';
import type { Chart } from './charts.ts';
import { htmlReport } from './html.tsx';
import { jsonReport } from './json.ts';
import { textReport } from './markdown.ts';
import type { Report } from './model.ts';
import { toPng } from './png.ts';

async function picture(chart: Chart): Promise<MailPart> {
  const content = Buffer.from(await toPng(chart)).toString('base64');
  return { name: `${chart.name}.png`, type: 'image/png', contentId: `${chart.name}@roundwarden`, content };
}

/** The report as a mail: the page, the same as plain text, each chart as a picture in it, and the JSON attached. */
export async function reportMail(
  report: Report,
  of: { charts: readonly Chart[]; name: string },
): Promise<MailBody> {
  const { charts, name } = of;
  const json = Buffer.from(jsonReport(report)).toString('base64');
  return {
    html: htmlReport(report, { charts, picture: 'cid' }),
    text: textReport(report),
    attachments: [
      ...(await Promise.all(charts.map(picture))),
      { name: `${name}.json`, type: 'application/json', contentId: null, content: json },
    ],
  };
}
