import type { Suite } from './suite.ts';

/** Every suite, in the order in which all are run. */
export const suites: readonly Suite[] = [];
