import { clock } from './clock.ts';
import { testFast } from './suite.ts';

testFast(clock);
