import { readReport } from '../../jobs/report.ts';
import type { Report } from '../../reports/model.ts';
import { fixture, type World } from '../jobs/setup.ts';

const incident = fixture('incident-2026-02');

/** What the incident of February begins with. */
export const incidentBeginning = {
  rounds: incident.rounds,
  captures: incident.captures,
  artifacts: incident.artifacts,
  settings: incident.settings,
};

/** The morning after the last of its days. */
export const theMorningAfter = '2026-02-18T06:10:00.000Z';

/** The report of a day or a session of a world. */
export async function reportOf(
  world: World,
  asked: { day: string } | { session: number },
  now = theMorningAfter,
): Promise<Report> {
  return readReport({ config: world.config(), asked, nowMs: Date.parse(now) });
}

/** The same without what differs from run to run: hashes of entries, when the audit really ended, and where the checkout lies. */
export function comparableReport(report: Report): Report {
  const text = JSON.stringify(report)
    .replaceAll(incident.path, '/srv/incident')
    .replace(/"lastAuditAt":"[^"]*"/, `"lastAuditAt":"${theMorningAfter}"`)
    .replace(/"hash":"[0-9a-f]{64}"/g, `"hash":"${'0'.repeat(64)}"`);
  return JSON.parse(text) as Report;
}
