import type { Report } from './model.ts';

/** The report as JSON: the shape is `reports/report.schema.json`, whose version stands in `format`. */
export function jsonReport(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
