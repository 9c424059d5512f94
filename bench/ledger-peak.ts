import { incidentFold } from '../src/context.ts';
import { closeLedger, openLedger } from '../src/ledger/open.ts';
import { verifyChain } from '../src/ledger/verify.ts';
import { peakMegabytes } from './measure.ts';

/** Verifies the ledger at a URL in a process of its own, and prints the most memory that it took, in megabytes. */
const ledger = await openLedger({ url: process.argv[2]!, dataDir: null, fold: incidentFold, readOnly: true });
const { problems } = await verifyChain(ledger!);
await closeLedger(ledger!);
if (problems.length > 0) throw new Error(problems[0]!.what);
process.stdout.write(String(peakMegabytes() ?? 0));
