import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The layout of the design: imports point inward. */

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

interface Import {
  /** A path from the root, or the name of a package. */
  of: string;
  local: boolean;
  typesOnly: boolean;
}

function sourcesIn(folder: string): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(folder, name))
    .sort();
}

const textOf = (file: string) => readFileSync(join(root, file), 'utf8');
/** The text without comments, in which words are no code. */
const codeOf = (file: string) =>
  textOf(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');

function importsOf(file: string): Import[] {
  const code = codeOf(file);
  const statements = [
    ...code.matchAll(/^(?:import|export)\s+(type\s+)?(?:([\w*{][^'";]*?)\s*from\s*)?'([^']+)'/gm),
  ].map(([, type, names, of]) => ({ typesOnly: type !== undefined || onlyTypes(names), of: of! }));
  const calls = [...code.matchAll(/\b(?:import|require)\(\s*'([^']+)'\s*\)/g)].map(([, of]) => ({
    typesOnly: false,
    of: of!,
  }));
  return [...statements, ...calls].map(({ of, typesOnly }) => {
    const local = of.startsWith('.');
    return { local, typesOnly, of: local ? relative(root, resolve(root, dirname(file), of)) : of };
  });
}

function onlyTypes(names: string | undefined): boolean {
  const listed = /^\{([\s\S]*)\}$/.exec(names?.trim() ?? '')?.[1];
  if (listed === undefined) return false;
  return listed
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .every((name) => name.startsWith('type '));
}

/** `file imports what` for every import that a rule does not allow. */
function offences(files: readonly string[], allowed: (one: Import) => boolean): string[] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter((one) => !allowed(one))
      .map(({ of }) => `${file} imports ${of}`),
  );
}

const inside = (folder: string) => (path: string) => path.startsWith(`${folder}/`);
const shells = ['source', 'artifacts', 'logs', 'ledger', 'alert'];
const pure = new Set(['temporal-polyfill', 'canonicalize']);

test('the rules below see the imports that there are', () => {
  assert.ok(sourcesIn('src/core').length > 15);
  assert.ok(sourcesIn('jobs').length > 5);
  const imports = importsOf('src/core/canonical.ts').map(({ of }) => of);
  assert.deepEqual(imports, [
    '@noble/hashes/blake2.js',
    '@noble/hashes/sha2.js',
    '@noble/hashes/utils.js',
    'canonicalize',
    'src/core/model.ts',
    'src/core/names.ts',
    'src/core/spelling.ts',
  ]);
  const all = ['src', 'jobs', 'reports'].flatMap(sourcesIn);
  const missed = all.filter((file) => {
    const words = codeOf(file).match(/\bfrom '[^']+';$|^import '/gm) ?? [];
    return importsOf(file).length < words.length;
  });
  assert.deepEqual(missed, []);
});

describe('src/core', () => {
  const files = sourcesIn('src/core');

  test('imports only itself and pure computation', () => {
    const allowed = ({ local, of }: Import) =>
      local ? inside('src/core')(of) : pure.has(of) || of.startsWith('@noble/hashes/');
    assert.deepEqual(offences(files, allowed), []);
  });

  for (const [what, pattern] of [
    [
      'no clock',
      /new Date\(\s*\)|\bDate\.now\b|\bDate\(\s*\)|performance\.now|Temporal\.Now|setTimeout|setInterval/,
    ],
    ['no process', /\bprocess\b\s*[.[]|globalThis/],
    ['no node built-ins', /['"]node:|\brequire\(/],
    ['no chance', /Math\.random|randomUUID|getRandomValues/],
    ['no zone of the host', /\.getTimezoneOffset|toLocale|\.get(?:Hours|Minutes|Date|Day|Month|FullYear)\(/],
    ['no console', /\bconsole\./],
  ] as const)
    test(`has ${what}`, () => {
      assert.deepEqual(
        files.filter((file) => pattern.test(codeOf(file))),
        [],
      );
    });
});

for (const shell of shells)
  test(`src/${shell} imports only itself, core, errors, database, the making of directories, the replacing of files, the starting of threads and the types of the configuration`, () => {
    const shared = new Set([
      'src/errors.ts',
      'src/database.ts',
      'src/database-answering.ts',
      'src/database-prepared.ts',
      'src/database-rights.ts',
      'src/database-thread.ts',
      'src/database-twin.ts',
      'src/own-directory.ts',
      'src/replace-file.ts',
      'src/thread.ts',
    ]);
    const allowed = ({ local, of, typesOnly }: Import) =>
      !local ||
      inside(`src/${shell}`)(of) ||
      inside('src/core')(of) ||
      shared.has(of) ||
      (of === 'src/config.ts' && typesOnly);
    assert.deepEqual(offences(sourcesIn(`src/${shell}`), allowed), []);
  });

test('src/web imports no other shell: it reads through the context, and may use the reports', () => {
  const allowed = ({ local, of, typesOnly }: Import) =>
    !local ||
    ['src/web', 'src/core', 'reports'].some((folder) => inside(folder)(of)) ||
    ['src/errors.ts', 'src/database.ts', 'src/context.ts'].includes(of) ||
    (of === 'src/config.ts' && typesOnly);
  assert.deepEqual(offences(sourcesIn('src/web'), allowed), []);
});

test('reports import only themselves, core and packages', () => {
  const allowed = ({ local, of }: Import) => !local || inside('reports')(of) || inside('src/core')(of);
  assert.deepEqual(offences(sourcesIn('reports'), allowed), []);
});

test('nothing outside jobs imports jobs, and nothing imports tests', () => {
  const inner = [...sourcesIn('src'), ...sourcesIn('reports')];
  assert.deepEqual(
    offences(inner, ({ of }) => !inside('jobs')(of) && !inside('test')(of)),
    [],
  );
  assert.deepEqual(
    offences(sourcesIn('jobs'), ({ of }) => !inside('test')(of)),
    [],
  );
});

test('local imports exist and end in .ts or .tsx, but for steps of the build, and none leaves the tree', () => {
  const all = ['src', 'jobs', 'reports', 'test'].flatMap(sourcesIn);
  const wrong = offences(
    all,
    ({ local, of }) => !local || (/\.tsx?$|^build\/\w+\.mjs$/.test(of) && existsSync(join(root, of))),
  );
  assert.deepEqual(wrong, []);
});

test('every page names its JSX runtime, so that it runs from any working directory', () => {
  const pages = ['src', 'reports', 'test'].flatMap(sourcesIn).filter((file) => file.endsWith('.tsx'));
  const head = '/** @jsxRuntime automatic */\n/** @jsxImportSource hono/jsx */\n';
  assert.ok(pages.length > 20);
  assert.deepEqual(
    pages.filter((file) => !textOf(file).startsWith(head)),
    [],
  );
});

test('no file imports itself in a circle', () => {
  const files = ['src', 'jobs', 'reports'].flatMap(sourcesIn);
  const next = new Map(
    files.map((file) => [
      file,
      importsOf(file)
        .filter(({ local, typesOnly }) => local && !typesOnly)
        .map(({ of }) => of),
    ]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (file: string, path: readonly string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    else if (!done.has(file)) for (const one of next.get(file) ?? []) walk(one, [...path, file]);
    done.add(file);
  };
  for (const file of files) walk(file, []);
  assert.deepEqual(circles, []);
});
