import { readFileSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { build } from 'esbuild';

/**
 * Puts what every start loads into few files: `node build/bundle.mjs DIRECTORY`, after tsc has written DIRECTORY. The
 * program stays DIRECTORY/jobs/main.js, with parts beside it that are loaded when a command needs them; all other files
 * stay as they are. Why: docs/decisions/0016-few-files-to-start.md.
 */
const directory = resolve(process.argv[2] ?? 'dist');
const jobs = join(directory, 'jobs');

/** Packages that a start may need. Everything else is loaded from node_modules, and only where a command asks for it. */
const bundled = new Set([
  'canonicalize',
  'cli-table3',
  'commander',
  'croner',
  'dotenv',
  'glob',
  'knex',
  'picocolors',
  'pino',
  'temporal-polyfill',
  'zod',
  '@noble/hashes',
]);

/** What those packages may load and must not be put in: binaries, and databases that nobody has here. */
const never = [
  'better-sqlite3',
  'pg',
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

/**
 * A file of ours: it finds its neighbours where it was before, and takes of zod what it names, so that the rest of zod
 * can be left out.
 */
function ownText(path) {
  const from = JSON.stringify(`./${relative(jobs, path).split(sep).join('/')}`);
  return readFileSync(path, 'utf8')
    .replaceAll('import.meta.url', `new URL(${from}, import.meta.url).href`)
    .replace(/^import \{ z \} from 'zod';$/m, "import * as z from 'zod';");
}

const choosing = {
  name: 'choosing',
  setup(of) {
    of.onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
      if (kind === 'entry-point' || path.startsWith('node:') || isPackage(importer)) return undefined;
      return bundled.has(packageOf(path)) ? undefined : { path, external: true };
    });
    // Messages of zod in fifty languages, of which its own entry has the English one.
    of.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: '' }));
    // Databases that nobody has here.
    of.onLoad({ filter: /[\\/]knex[\\/]lib[\\/]dialects[\\/]\w[\w-]*[\\/]index\.js$/ }, ({ path }) =>
      dialects.has(basename(dirname(path)))
        ? undefined
        : { contents: `throw new Error('not in this bundle');` },
    );
    of.onLoad({ filter: /\.js$/ }, ({ path }) =>
      isPackage(path) || !path.startsWith(directory) ? undefined : { contents: ownText(path) },
    );
  },
};

for (const name of await readdir(jobs))
  if (/^part-.*\.js(\.map|\.LEGAL\.txt)?$/.test(name)) rmSync(join(jobs, name));

await build({
  entryPoints: [join(jobs, 'main.js')],
  outdir: jobs,
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  chunkNames: 'part-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Legible names, no comments: what is read at each start is short.
  minifyWhitespace: true,
  legalComments: 'linked',
  sourcemap: true,
  sourcesContent: false,
  external: never,
  plugins: [choosing],
  // The first part that runs comes before what main.js says first: jobs/utc.ts.
  banner: {
    js: "process.env.TZ = 'UTC';\nimport { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
  },
  logLevel: 'warning',
  absWorkingDir: dirname(directory),
});
