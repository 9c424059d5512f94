import { ledgerAttacks } from './attacks.ts';
import { testFast } from './suite.ts';

testFast(ledgerAttacks);
