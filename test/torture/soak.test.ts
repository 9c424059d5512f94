import { soak } from './soak.ts';
import { testFast } from './suite.ts';

testFast(soak);
