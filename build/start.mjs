#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, unsealed } from './compiled.mjs';

// Before anything else: the process runs in UTC, whatever the host's zone (jobs/utc.ts).
process.env.TZ = 'UTC';

const path = fileURLToPath(new URL('./program.cjs', import.meta.url));
const require = createRequire(import.meta.url);

/** The compiled code of the program, or undefined where there is none for it: then a start only takes longer. */
function codeOf(program) {
  try {
    return unsealed(program, readFileSync(`${path}.cache`));
  } catch {
    return undefined;
  }
}

function load() {
  // Lines of the source are told of modules alone.
  if (process.sourceMapsEnabled) return require(path);
  const program = readFileSync(path);
  const module = { exports: {} };
  const script = compile(program, { path, code: codeOf(program) });
  script.runInThisContext()(module.exports, require, module, path, dirname(path));
  return module.exports;
}

// What never ends although nothing is left to wait for is a failure (node's exit code 13).
await load().run();
