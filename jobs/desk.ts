import type { Config } from '../src/config.ts';
import type { Desk } from '../src/web/desk.ts';
import { listOwnReports, packetFile, reportFile } from './desk-files.ts';
import { viewIncident } from './desk-incident.ts';
import { decideOnPage, incidentPage } from './desk-incidents.ts';
import { exportedLines, ledgerPage, verifyView } from './desk-ledger.ts';
import { measure, readHealth, readOverview } from './desk-overview.ts';

/** What the review pages may ask and have done. Each request opens what it needs and closes it again. */
export function openDesk(config: Config, { nowMs }: { nowMs: () => number }): Desk {
  return {
    overview: () => readOverview(config, nowMs()),
    incidents: (filter) => incidentPage(config, filter),
    incident: (id) => viewIncident(config, id, nowMs()),
    decide: (id, decision, by) => decideOnPage(config, { id, decision, by, nowMs: nowMs() }),
    packetFile: (folder, file) => packetFile(config, folder, file),
    ledger: (page) => ledgerPage(config, page),
    verify: (anchor) => verifyView(config, anchor),
    exportLedger: () => exportedLines(config),
    reports: () => listOwnReports(config),
    reportFile: (name, format) => reportFile(config, name, format),
    measurements: () => measure(config, nowMs()),
    health: () => readHealth(config),
  };
}
