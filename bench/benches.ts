import type { Bench } from './bench.ts';

/** Every bench by its id, in the order of the table; a bench is loaded only where it runs. */
export const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  'full-audit': () => import('./full-audit.ts').then(({ bench }) => bench),
  'steady-cycle': () => import('./steady-cycle.ts').then(({ bench }) => bench),
  'artifacts-list': () => import('./artifacts-list.ts').then(({ bench }) => bench),
  'artifacts-read': () => import('./artifacts-read.ts').then(({ bench }) => bench),
  'artifacts-index': () => import('./artifacts-index.ts').then(({ bench }) => bench),
  'start-up': () => import('./start-up.ts').then(({ bench }) => bench),
  'report-history': () => import('./report-history.ts').then(({ bench }) => bench),
  repairs: () => import('./repairs.ts').then(({ bench }) => bench),
  fleet: () => import('./fleet.ts').then(({ bench }) => bench),
  'bot-log': () => import('./bot-log.ts').then(({ bench }) => bench),
  ledger: () => import('./ledger.ts').then(({ bench }) => bench),
};
