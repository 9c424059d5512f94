import { ledgerAttacks } from './attacks.ts';
import { clock } from './clock.ts';
import { faults } from './faults.ts';
import { fuzz } from './fuzz.ts';
import { kill } from './kill.ts';
import { soak } from './soak.ts';
import type { Suite } from './suite.ts';
import { atOnce } from './together.ts';

/** Every suite, in the order in which all are run. */
export const suites: readonly Suite[] = [kill, atOnce, ledgerAttacks, faults, clock, fuzz, soak];
