import { ingest } from './bot-log.ts';
import { peakMegabytes } from './measure.ts';

/** Reads a log into the ledger at a URL, and tells the parent the most memory that it took, in megabytes. */
await ingest({ path: process.argv[2]!, url: process.argv[3]! });
process.send!(peakMegabytes() ?? 0);
process.disconnect();
