import { kill } from './kill.ts';
import { testFast } from './suite.ts';

testFast(kill);
