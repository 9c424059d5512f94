import { basename } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { parseArtifactName } from '../core/names.ts';
import { pack } from './packed.ts';
import { readArtifactNow } from './read.ts';

/* The other end of threads.ts: reads the artifacts at the paths that it is given, and answers with them, packed, as JSON. */

parentPort!.on('message', (paths: readonly string[]) => {
  const read = (path: string) => readArtifactNow({ path, name: parseArtifactName(basename(path))! });
  parentPort!.postMessage(JSON.stringify(paths.map((path) => pack(read(path)))));
});
