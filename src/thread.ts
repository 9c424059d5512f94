import { Worker, type WorkerOptions } from 'node:worker_threads';

/** What a thread runs from source: tsx does not come along into threads by itself. */
const fromSource = `
  const { tsx, program } = require('node:worker_threads').workerData;
  import(tsx).then(({ register }) => { register(); return import(program); });`;

/** Starts a thread that runs a module, whose address is given without its ending: from source, or from what was built of it. */
export function startThread(module: URL, options: WorkerOptions = {}): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL(`${module.href}.js`), options);
  const workerData = { tsx: import.meta.resolve('tsx/esm/api'), program: `${module.href}.ts` };
  return new Worker(fromSource, { ...options, eval: true, workerData });
}

/** A thread that answers each message, one after the other. */
export interface Conversation<Question, Answer> {
  /** Sends a part of the next question, which is not answered by itself. */
  tell(part: Question): void;
  /** Rejected where the thread fails, or has ended. */
  ask(question: Question): Promise<Answer>;
  close(): Promise<unknown>;
}

/** Talks with a thread, which is called `name` where it fails. */
export function converse<Question, Answer>(worker: Worker, name: string): Conversation<Question, Answer> {
  // Answers come in the order of the questions.
  const waiting: { resolve(answer: Answer): void; reject(thrown: Error): void }[] = [];
  let failed: Error | null = null;
  const fail = (thrown: Error) => {
    failed ??= thrown;
    for (const { reject } of waiting.splice(0)) reject(failed);
  };
  worker.on('error', fail).on('messageerror', fail);
  worker.on('exit', () => fail(new Error(`${name} has ended`)));
  worker.on('message', (answer: Answer) => waiting.shift()?.resolve(answer));
  return {
    tell: (part) => worker.postMessage(part),
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (failed !== null) return reject(failed);
        worker.postMessage(question);
        waiting.push({ resolve, reject });
      }),
    close: () => worker.terminate(),
  };
}
