import { copyFileSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Puts what every start loads into one file: `node build/bundle.mjs DIRECTORY`, after tsc has written DIRECTORY. The
 * program becomes DIRECTORY/jobs/program.cjs, which DIRECTORY/jobs/main.js starts, and the thread that reads artifacts has
 * in its own file what it needs; all other files stay as they are. Why: docs/decisions/0016-few-files-to-start.md. The
 * schema of reports, which tsc does not copy, comes beside them.
 */
const directory = resolve(process.argv[2] ?? 'dist');
const jobs = join(directory, 'jobs');

/** Packages that a start may need. Everything else is loaded from node_modules, and only where a command asks for it. */
const bundled = new Set([
  'better-sqlite3',
  'canonicalize',
  'commander',
  'croner',
  'dotenv',
  'glob',
  'knex',
  'pg',
  'picocolors',
  'pino',
  'string-width',
  'temporal-polyfill',
  'zod',
  '@noble/hashes',
]);

/** What those packages may load and must not be put in: binaries, and what nobody has here. */
const never = [
  '*.node',
  'pg-cloudflare',
  'pg-native',
  'pg-query-stream',
  'mysql',
  'mysql2',
  'mariadb',
  'oracledb',
  'sqlite3',
  'tedious',
];

const packageOf = (path) => /^(?:@[^/]+\/)?[^/]+/.exec(path)[0];
const isPackage = (file) => file.includes(`${sep}node_modules${sep}`);

/** What knex is asked for, and what that rests on. */
const dialects = new Set(['better-sqlite3', 'sqlite3', 'postgres']);

/** A file of ours takes of zod what it names, so that the rest of zod can be left out. */
const leanText = (path) =>
  readFileSync(path, 'utf8').replace(/^import \{ z \} from 'zod';$/m, "import * as z from 'zod';");

/** And it finds its neighbours where it was before. */
function ownText(path) {
  const from = `require('node:path').join(__dirname, ${JSON.stringify(relative(jobs, path))})`;
  return leanText(path)
    .replaceAll('import.meta.url', `require('node:url').pathToFileURL(${from}).href`)
    .replaceAll('import.meta.resolve', 'require.resolve');
}

const isOwn = (path) => !isPackage(path) && path.startsWith(directory);

/** Messages of zod in fifty languages, of which its own entry has the English one. */
const leanZod = {
  name: 'lean zod',
  setup: (of) =>
    of.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: '' })),
};

/** Our files as they are, but for zod. */
const lean = {
  name: 'lean',
  setup: (of) =>
    of.onLoad({ filter: /\.js$/ }, ({ path }) => (isOwn(path) ? { contents: leanText(path) } : undefined)),
};

/** A file with a piece of it replaced, which must be there once: another version may need another piece. */
function replaced(path, piece, by) {
  const parts = readFileSync(path, 'utf8').split(piece);
  if (parts.length !== 2) throw new Error(`${path} has no longer one ${piece}`);
  return parts.join(by);
}

const choosing = {
  name: 'choosing',
  setup(of) {
    of.onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
      if (kind === 'entry-point' || path.startsWith('node:') || isPackage(importer)) return undefined;
      // The same library, in the form that `require` takes in every Node.js 20.
      if (path === 'echarts/dist/echarts.esm.min')
        return { path: 'echarts/dist/echarts.min.js', external: true };
      return bundled.has(packageOf(path)) ? undefined : { path, external: true };
    });
    // Databases that nobody has here.
    of.onLoad({ filter: /[\\/]knex[\\/]lib[\\/]dialects[\\/]\w[\w-]*[\\/]index\.js$/ }, ({ path }) =>
      dialects.has(basename(dirname(path)))
        ? undefined
        : { contents: `throw new Error('not in this bundle');` },
    );
    // Looks for the binary in a dozen places, from where it stands itself; an installed one is in this place.
    of.onLoad({ filter: /[\\/]bindings[\\/]bindings\.js$/ }, () => ({
      contents: `module.exports = () => require('better-sqlite3/build/Release/better_sqlite3.node');`,
    }));
    // Asking for `Response` has Node.js load its whole client for HTTP, to learn that this is no Cloudflare.
    of.onLoad({ filter: /[\\/]pg[\\/]lib[\\/]stream\.js$/ }, ({ path }) => ({
      contents: replaced(path, "typeof Response === 'function'", 'false'),
    }));
    of.onLoad({ filter: /\.js$/ }, ({ path }) => (isOwn(path) ? { contents: ownText(path) } : undefined));
  },
};

await build({
  entryPoints: [join(jobs, 'program.js')],
  outfile: join(jobs, 'program.cjs'),
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  // Compiled code that is kept does not know who imports: every package is asked for by `require`.
  supported: { 'dynamic-import': false },
  // Legible names, no comments: what is read at each start is short.
  minifyWhitespace: true,
  charset: 'ascii',
  legalComments: 'linked',
  sourcemap: true,
  sourcesContent: false,
  external: never,
  plugins: [leanZod, choosing],
  logLevel: 'warning',
  absWorkingDir: dirname(directory),
});

// build/compiled.mjs reads it byte by byte.
if (readFileSync(join(jobs, 'program.cjs')).some((byte) => byte > 0x7f))
  throw new Error('the bundled program is not ASCII');

await build({
  entryPoints: [fileURLToPath(new URL('start.mjs', import.meta.url))],
  outfile: join(jobs, 'main.js'),
  allowOverwrite: true,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
});

const schema = 'reports/report.schema.json';
copyFileSync(fileURLToPath(new URL(`../${schema}`, import.meta.url)), join(directory, schema));

const thread = join(directory, 'src/artifacts/reader-worker.js');
await build({
  entryPoints: [thread],
  outfile: thread,
  allowOverwrite: true,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  plugins: [leanZod, lean],
  logLevel: 'warning',
});
