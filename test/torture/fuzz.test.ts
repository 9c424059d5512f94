import { fuzz } from './fuzz.ts';
import { testFast } from './suite.ts';

testFast(fuzz);
