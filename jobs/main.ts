#!/usr/bin/env node
import './utc.ts';
import { run } from './program.ts';

// What never ends although nothing is left to wait for is a failure (node's exit code 13).
await run();
