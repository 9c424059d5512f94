/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { raw } from 'hono/html';
import { oneLine } from '../src/core/harmless.ts';
import { Table } from './parts.tsx';
import { reportStyle } from './style.ts';

/** A report that lies in the folder of reports. */
export interface Listed {
  /** Its path without the ending, such as `production/2026-02-16`. */
  name: string;
  title: string;
  state: string;
  /** The endings of its files. */
  formats: readonly string[];
}

/** The page that lists every report, the newest first. Its links work from a folder as from a server. */
export function indexPage(reports: readonly Listed[]): string {
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Roundwarden: coverage reports</title>
        <link rel="icon" href="data:," />
        <style>{raw(reportStyle)}</style>
      </head>
      <body>
        <header>
          <h1>Coverage reports</h1>
          <p class="soft">
            {reports.length === 1 ? '1 report' : `${reports.length} reports`}, the newest first
          </p>
        </header>
        <main>
          <Table caption="Reports" head={['report', 'verdict', 'files']}>
            {reports.map(({ name, title, state, formats }) => (
              <tr>
                <th scope="row">{oneLine(name.slice(name.lastIndexOf('/') + 1))}</th>
                <td class={state}>
                  {formats.includes('html') ? <a href={`${name}.html`}>{oneLine(title)}</a> : oneLine(title)}
                </td>
                <td>{formats.map((format) => [<a href={`${name}.${format}`}>{format}</a>, ' '])}</td>
              </tr>
            ))}
          </Table>
        </main>
      </body>
    </html>
  );
  return `<!doctype html>\n${page.toString()}\n`;
}
