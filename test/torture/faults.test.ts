import { faults } from './faults.ts';
import { testFast } from './suite.ts';

testFast(faults);
