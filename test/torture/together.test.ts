import { testFast } from './suite.ts';
import { atOnce } from './together.ts';

testFast(atOnce);
