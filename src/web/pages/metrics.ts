import type { Context } from 'hono';
import { type Coverage, openTotal } from '../../core/coverage.ts';
import type { Desk, Measurements } from '../desk.ts';
import type { Env } from '../guard.tsx';

/** A gauge as it is written: its name, its help, and its values by label. */
interface Gauge {
  name: string;
  help: string;
  values: readonly { labels: Record<string, string>; value: number }[];
}

const alone = (value: number | null) => (value === null ? [] : [{ labels: {}, value }]);

/** Rounds by state. Exempt rows are no rounds that anybody expects. */
function states(coverage: Coverage): Record<string, number> {
  const { live, repaired, pending, setAside, lost } = coverage;
  return { live, repaired, pending, open: openTotal(coverage), set_aside: setAside, lost };
}

/** Covered rounds of those that the live pipeline has had its time for; null where there were none. */
function ratio(coverage: Coverage): number | null {
  const { live, repaired, setAside, lost } = coverage;
  const settled = live + repaired + openTotal(coverage) + setAside + lost;
  return settled === 0 ? null : (live + repaired) / settled;
}

function coverageGauges({ coverage }: Measurements): Gauge[] {
  if (coverage === null) return [];
  const byRound = [
    ['R1', coverage.r1],
    ['R2', coverage.r2],
  ] as const;
  return [
    {
      name: 'roundwarden_rounds',
      help: 'Expected rounds of the last 14 days by round number and state',
      values: byRound.flatMap(([round, of]) =>
        Object.entries(states(of)).map(([state, value]) => ({ labels: { round, state }, value })),
      ),
    },
    {
      name: 'roundwarden_coverage_ratio',
      help: 'Covered share of the expected rounds of the last 14 days, pending ones left out; absent where there were none',
      values: byRound.flatMap(([round, of]) => {
        const value = ratio(of);
        return value === null ? [] : [{ labels: { round }, value }];
      }),
    },
  ];
}

const unixOf = (at: string) => Date.parse(at) / 1000;

function auditGauges({ lastAudit }: Measurements): Gauge[] {
  const finishedAt = lastAudit?.finishedAt ?? null;
  const took = finishedAt === null ? null : unixOf(finishedAt) - unixOf(lastAudit!.startedAt);
  return [
    {
      name: 'roundwarden_last_audit_timestamp_seconds',
      help: 'When the last audit ended, unix seconds',
      values: alone(finishedAt === null ? null : unixOf(finishedAt)),
    },
    {
      name: 'roundwarden_last_audit_duration_seconds',
      help: 'How long the last audit took, seconds',
      values: alone(took),
    },
    {
      name: 'roundwarden_last_audit_exit_code',
      help: 'Exit code of the last audit: 0 clean, 1 failed, 2 configuration, 3 something is open, 4 lease held',
      values: alone(lastAudit?.exitCode ?? null),
    },
  ];
}

function gaugesOf(measurements: Measurements): Gauge[] {
  const { openByVerdict, outbox, ledgerSeq } = measurements;
  const { queued, sent, dead } = outbox;
  return [
    ...coverageGauges(measurements),
    {
      name: 'roundwarden_open_gaps',
      help: 'Open incidents by verdict',
      values: Object.entries(openByVerdict).map(([verdict, value]) => ({ labels: { verdict }, value })),
    },
    ...auditGauges(measurements),
    {
      name: 'roundwarden_outbox_messages',
      help: 'Messages by state; dead ones could not be delivered',
      values: Object.entries({ queued, sent, dead }).map(([state, value]) => ({ labels: { state }, value })),
    },
    {
      name: 'roundwarden_ledger_seq',
      help: 'Number of the last entry of the ledger',
      values: alone(ledgerSeq),
    },
  ];
}

/** `/metrics`: measured at the moment of the request, in the text format of Prometheus. */
export function metrics(desk: Desk) {
  return async (c: Context<Env>) => {
    const [{ Gauge, Registry }, measurements] = await Promise.all([
      import('prom-client'),
      desk.measurements(),
    ]);
    const registry = new Registry();
    for (const { name, help, values } of gaugesOf(measurements)) {
      const labelNames = [...new Set(values.flatMap(({ labels }) => Object.keys(labels)))];
      const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
      // A gauge without labels begins at 0, and what is not known is not 0.
      if (values.length === 0) registry.removeSingleMetric(name);
      for (const { labels, value } of values) gauge.set(labels, value);
    }
    return c.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType });
  };
}

/** `/healthz`: for whatever watches the watcher; 503 where the ledger does not answer. */
export function health(desk: Desk) {
  return async (c: Context<Env>) => {
    const { ok, lastAuditAt } = await desk.health();
    return c.json({ ok, lastAuditAt }, ok ? 200 : 503);
  };
}
