import { Worker, type WorkerOptions } from 'node:worker_threads';

/** What a thread runs from source: tsx does not come along into threads by itself. */
const fromSource = `
  const { tsx, program } = require('node:worker_threads').workerData;
  import(tsx).then(({ register }) => { register(); return import(program); });`;

/** Starts a thread that runs a module, whose address is given without its ending: from source, or from what was built of it. */
export function startThread(module: URL, options: WorkerOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL(`${module.href}.js`), options);
  const workerData = { tsx: import.meta.resolve('tsx/esm/api'), program: `${module.href}.ts` };
  return new Worker(fromSource, { ...options, eval: true, workerData });
}
