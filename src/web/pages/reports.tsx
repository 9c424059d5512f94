/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import type { Report } from '../../../reports/model.ts';
import { oneLine } from '../../core/harmless.ts';
import type { Desk, ReportListing } from '../desk.ts';
import type { Env, Session } from '../guard.tsx';
import { Page } from '../layout.tsx';
import { Badge, Table } from '../parts.tsx';
import { isPlainPath } from './query.ts';
import type { Tone } from './words.ts';

const states: Record<Report['state'], readonly [Tone, string]> = {
  covered: ['good', 'covered'],
  waiting: ['calm', 'waiting'],
  gaps: ['bad', 'gaps'],
  no_rounds: ['calm', 'no rounds'],
  nothing_checked: ['warn', 'nothing checked'],
};

function ReportRow(props: { report: ReportListing }) {
  const { name, title, state, formats } = props.report;
  const [tone, word] = Object.hasOwn(states, state)
    ? states[state as Report['state']]
    : (['calm', oneLine(state)] as const);
  const short = name.slice(name.lastIndexOf('/') + 1);
  const linked = formats.filter((format) => isPlainPath(`${name}.${format}`));
  return (
    <tr>
      <th scope="row">
        {linked.includes('html') ? <a href={`/reports/${name}.html`}>{oneLine(short)}</a> : oneLine(short)}
      </th>
      <td>
        <Badge tone={tone}>{word}</Badge>
      </td>
      <td class="prose">{oneLine(title)}</td>
      <td>
        <ul class="inline">
          {linked.map((format) => (
            <li>
              <a href={`/reports/${name}.${format}`} aria-label={`${name} as ${format}`}>
                {format}
              </a>
            </li>
          ))}
        </ul>
      </td>
    </tr>
  );
}

function Whole(props: { session: Session; reports: readonly ReportListing[] }) {
  const { session, reports } = props;
  return (
    <Page title="Reports" session={session} current="/reports">
      <h1>Reports</h1>
      {reports.length === 0 ? (
        <p>
          There is no report yet. <code>roundwarden report</code> makes one.
        </p>
      ) : (
        <Table caption="Coverage reports" columns={['Report', 'State', 'What it says', 'Read it as']}>
          {reports.map((report) => (
            <ReportRow report={report} />
          ))}
        </Table>
      )}
    </Page>
  );
}

/** `/reports`: the reports that lie in DATA_DIR. */
export function reportsPage(desk: Desk) {
  return async (c: Context<Env>) => c.html(<Whole session={c.var.session} reports={await desk.reports()} />);
}

const contentTypes = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['md', 'text/markdown; charset=utf-8'],
  ['csv', 'text/csv; charset=utf-8'],
  ['json', 'application/json; charset=utf-8'],
]);

const readInBrowser = new Set(['html', 'md', 'json']);

/** The hash by which a Content-Security-Policy admits a page's one style; null where it has none, or several. */
export function styleHash(html: string): string | null {
  const styles = [...html.matchAll(/<style[^>]*>([\s\S]*?)<\/style>/gi)];
  if (styles.length !== 1) return null;
  return `'sha256-${createHash('sha256').update(styles[0]![1]!).digest('base64')}'`;
}

/** `/reports/NAME.FORMAT`: a report as it was written. */
export function reportFile(desk: Desk) {
  return async (c: Context<Env>) => {
    const path = c.req.path.slice('/reports/'.length);
    const dot = path.lastIndexOf('.');
    const [name, format] = [path.slice(0, dot), path.slice(dot + 1)];
    if (dot < 1 || !isPlainPath(name) || !isPlainPath(format) || format.includes('/')) return c.notFound();
    const bytes = await desk.reportFile(name, format);
    if (bytes === null) return c.notFound();
    if (format === 'html') {
      const hash = styleHash(new TextDecoder().decode(bytes));
      if (hash !== null) c.set('styleHashes', [hash]);
    }
    c.header('Content-Type', contentTypes.get(format) ?? 'application/octet-stream');
    c.header('X-Content-Type-Options', 'nosniff');
    if (!readInBrowser.has(format)) {
      const file = `${name.replaceAll('/', '-')}.${format}`;
      c.header('Content-Disposition', `attachment; filename="${file}"`);
    }
    return c.body(bytes.slice());
  };
}
