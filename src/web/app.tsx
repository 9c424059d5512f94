/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { Hono } from 'hono';
import type { Desk } from './desk.ts';
import { addGuard, type Env, type GuardOptions } from './guard.tsx';
import { decidePage, incidentPage } from './pages/incident.tsx';
import { incidentsPage } from './pages/incidents.tsx';
import { ledgerExport, ledgerPage } from './pages/ledger.tsx';
import { health, metrics } from './pages/metrics.ts';
import { overviewPage } from './pages/overview.tsx';
import { packetFile } from './pages/packets.ts';
import { reportFile, reportsPage } from './pages/reports.tsx';
import { verifyPage } from './pages/verify.tsx';
import { style } from './style.ts';

/** The review pages over a desk, behind the guard. Everything is rendered on the server; no page has a script. */
export function createApp(desk: Desk, options: GuardOptions): Hono<Env> {
  const app = new Hono<Env>();
  addGuard(app, options);
  app.get('/assets/style.css', (c) =>
    c.body(style, 200, { 'Content-Type': 'text/css; charset=utf-8', 'Cache-Control': 'public, max-age=300' }),
  );
  // Browsers ask for it beside every file that is no page.
  app.get('/favicon.ico', (c) => c.body(null, 204));
  app.get('/healthz', health(desk));
  app.get('/metrics', metrics(desk));
  app.get('/', overviewPage(desk));
  app.get('/incidents', incidentsPage(desk));
  app.get('/incidents/:id{[1-9][0-9]{0,14}}', incidentPage(desk));
  app.post('/incidents/:id{[1-9][0-9]{0,14}}/decide', decidePage(desk));
  app.get('/ledger', ledgerPage(desk));
  app.get('/ledger/verify', verifyPage(desk));
  app.get('/ledger/export', ledgerExport(desk));
  app.get('/reports', reportsPage(desk));
  app.get('/reports/*', reportFile(desk));
  app.get('/packets/:folder/:file{.+}', packetFile(desk));
  return app;
}
