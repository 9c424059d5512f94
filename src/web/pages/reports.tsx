/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import type { Report } from '../../../reports/model.ts';
import { oneLine } from '../../core/harmless.ts';
import { isDay } from '../../core/time.ts';
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
      <td class="prose">
        <Badge tone={tone}>{word}</Badge> {oneLine(title)}
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
        <Table caption="Coverage reports" columns={['Report', 'What it says']}>
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

/** The way back from a report, and to the incidents of its day: as a file it stands alone. */
function WayBack(props: { name: string }) {
  const day = props.name.slice(props.name.lastIndexOf('/') + 1);
  return (
    <nav aria-label="Review pages" class="soft">
      <a href="/">Overview</a>, <a href="/reports">all reports</a>
      {isDay(day) && (
        <>
          , <a href={`/incidents?status=all&day=${day}`}>incidents of this day</a>
        </>
      )}
    </nav>
  );
}

/** A report's page with the way back at its head; one that has no head stays as it is. */
const withWayBack = (html: string, name: string) =>
  html.replace('<header>', () => `<header>${(<WayBack name={name} />).toString()}`);

/** `/reports/NAME.FORMAT`: a report as it was written; a page has the way back besides. */
export function reportFile(desk: Desk) {
  return async (c: Context<Env>) => {
    const path = c.req.path.slice('/reports/'.length);
    const dot = path.lastIndexOf('.');
    const [name, format] = [path.slice(0, dot), path.slice(dot + 1)];
    if (dot < 1 || !isPlainPath(name) || !isPlainPath(format) || format.includes('/')) return c.notFound();
    const bytes = await desk.reportFile(name, format);
    if (bytes === null) return c.notFound();
    c.header('Content-Type', contentTypes.get(format) ?? 'application/octet-stream');
    c.header('X-Content-Type-Options', 'nosniff');
    if (format === 'html') {
      const html = new TextDecoder().decode(bytes);
      const hash = styleHash(html);
      if (hash !== null) c.set('styleHashes', [hash]);
      return c.body(withWayBack(html, name));
    }
    if (!readInBrowser.has(format)) {
      const file = `${name.replaceAll('/', '-')}.${format}`;
      c.header('Content-Disposition', `attachment; filename="${file}"`);
    }
    return c.body(bytes.slice());
  };
}
