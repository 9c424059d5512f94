import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { compile, sealed } from './compiled.mjs';

/**
 * Keeps what V8 compiles of the program: `node build/code-cache.mjs DIRECTORY`, after build/bundle.mjs. It has the program
 * do what cron has it do, in this process, and stores what was compiled for that and nothing else: it is read at each start.
 */
process.env.TZ = 'UTC';
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const jobs = resolve(process.argv[2] ?? 'dist', 'jobs');
const path = join(jobs, 'program.cjs');
const directory = mkdtempSync(join(tmpdir(), 'roundwarden-build-'));

/** The installation of the benches: rounds of three evenings, whose captures, artifacts and logs are there. */
async function installation() {
  const outfile = join(jobs, 'installation.mjs');
  const contents = `export { evenings, zone } from './evenings.ts'; export { installation } from './installation.ts';`;
  await build({
    stdin: { contents, resolveDir: join(root, 'bench') },
    ...{ outfile, bundle: true, format: 'esm', platform: 'node', packages: 'external', logLevel: 'warning' },
  });
  try {
    const { evenings, installation: install } = await import(pathToFileURL(outfile).href);
    const lastDay = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    const played = evenings({ seed: 1, lastDay, days: 3, rounds: 6, artifactOnly: 0, nothing: 0 });
    return await install('sqlite', { directory, name: 'build', played });
  } finally {
    rmSync(outfile);
  }
}

/** Has the loaded program do a cycle; what it says is for nobody. */
async function cycle(program) {
  const { write } = process.stdout;
  process.stdout.write = () => true;
  try {
    await program.run();
  } finally {
    process.stdout.write = write;
  }
  if (process.exitCode !== 0) throw new Error(`a cycle of the built program ended with ${process.exitCode}`);
}

try {
  const settings = await installation();
  const words = [join(jobs, 'main.js'), 'audit', '--json'];
  // The first cycle makes the ledger and reads the logs, which is done once.
  execFileSync(process.execPath, words, { cwd: directory, env: { PATH: process.env.PATH, ...settings } });
  process.chdir(directory);
  process.argv = [process.execPath, ...words];
  Object.assign(process.env, settings);
  const bytes = readFileSync(path);
  const script = compile(bytes, { path });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(words[0]), module, path, jobs);
  for (let time = 0; time < 2; time++) await cycle(module.exports);
  writeFileSync(`${path}.cache`, sealed(bytes, script.createCachedData()));
} finally {
  process.chdir(root);
  rmSync(directory, { recursive: true, force: true });
}
