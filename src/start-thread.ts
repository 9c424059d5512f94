import { Worker, type WorkerOptions } from 'node:worker_threads';

/** What a thread runs from source: tsx does not come along into threads by itself. */
const fromSource = `
  const { tsx, program } = require('node:worker_threads').workerData;
  import(tsx).then(({ register }) => { register(); return import(program); });`;

/**
 * Starts a thread that runs a module, `./name` beside the module at `url`: from source, or what was built of it. It is
 * given `workerData`, an object.
 */
export function startThread(
  name: string,
  {
    url,
    workerData = {},
    resourceLimits,
  }: { url: string } & Pick<WorkerOptions, 'workerData' | 'resourceLimits'>,
): Worker {
  if (!url.endsWith('.ts')) return new Worker(new URL(`${name}.js`, url), { workerData, resourceLimits });
  const program = new URL(`${name}.ts`, url).href;
  const data = { ...workerData, tsx: import.meta.resolve('tsx/esm/api'), program };
  return new Worker(fromSource, { eval: true, workerData: data, resourceLimits });
}
