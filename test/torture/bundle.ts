import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Child, type Scene, startLine } from '../failure/scene.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Native, or loaded by few runs; and the drivers that knex knows and nobody has. */
const external = [
  ...['better-sqlite3', 'pg', 'pg-native', 'pg-query-stream', 'ssh2', 'ssh2-sftp-client', 'cpu-features'],
  ...['@resvg/resvg-js', 'echarts', 'nodemailer', 'pino', 'pino-pretty'],
  ...['mariadb', 'mysql', 'mysql2', 'oracledb', 'sqlite3', 'tedious'],
];

const built = new Map<string, Promise<string>>();

/**
 * The file to which a program of this repository was bundled: it starts several times faster than its sources do,
 * which counts where a thousand processes are killed. Made once per process, and removed when that ends.
 */
export function bundled(program: string): Promise<string> {
  const known = built.get(program);
  if (known !== undefined) return known;
  const made = bundle(program);
  built.set(program, made);
  return made;
}

async function bundle(program: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-bundle-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  await build({
    entryPoints: [join(root, program)],
    outdir: directory,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    jsx: 'automatic',
    jsxImportSource: 'hono/jsx',
    external,
    outExtension: { '.js': '.mjs' },
    // What is bundled of CommonJS asks for the modules of Node.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    logLevel: 'error',
  });
  return join(directory, basename(program).replace(/\.ts$/, '.mjs'));
}

/** Starts a bundled program in a scene, as `start` does its source. */
export function startBundled(
  file: string,
  args: readonly string[],
  scene: Pick<Scene, 'directory' | 'environment'>,
): Child {
  return startLine([process.execPath, file, ...args], {
    environment: scene.environment,
    cwd: scene.directory,
  });
}
