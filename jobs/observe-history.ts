import { listPlaces } from '../src/artifacts/places.ts';
import type { Incident } from '../src/core/incident.ts';
import { localDay } from '../src/core/time.ts';
import { collectGarbage } from '../src/garbage.ts';
import { openAlertGroups } from '../src/ledger/alert-groups.ts';
import { eachNewestIncident } from '../src/ledger/incidents.ts';
import type { DayRange } from '../src/source/read.ts';
import { hashesOf, openKeptCopies, readArtifactsNear } from './artifacts-near.ts';
import { both } from './both.ts';
import { readHistory, settleHistory } from './history.ts';
import type { NearRows, Observing } from './observing.ts';
import { ownPaths, type Visit } from './visit.ts';

const always: DayRange = { since: null, until: null };

/** Incidents that a whole history is read with. */
async function readIncidents({ ledger, source }: Observing) {
  const remembered: Incident[] = [];
  const unclosed: Incident[] = [];
  if (ledger !== null)
    for await (const { state } of eachNewestIncident(ledger, source.name)) {
      const incident = state as unknown as Incident;
      if (incident.artifacts.length > 0) remembered.push(incident);
      if (incident.status !== 'closed') unclosed.push(incident);
    }
  return { remembered, unclosed };
}

/** Of a whole history only what SQL leaves to the core. The database looks at rows while artifacts are read. */
export async function readWhole(asked: Observing, of: { visit: Visit }): Promise<NearRows> {
  const { ledger, source, config } = asked;
  const { remembered, unclosed } = await readIncidents(asked);
  const listing = await listPlaces(ownPaths(config.gametimePaths));
  const besideServer = source.database.dialect === 'postgres';
  const named = [...listing.files.map(({ name }) => name), ...of.visit.artifacts];
  const [found, settled] = await both(
    readArtifactsNear(asked, { ranges: [always], visit: of.visit, listing, besideServer }),
    settleHistory(asked, { ends: named.map(({ endUnix }) => endUnix), unclosed }),
  );
  // Texts of megabytes, which the database listed, before rows are read.
  collectGarbage();
  const hashes = hashesOf(found.artifacts);
  const copies = await openKeptCopies(asked, remembered, hashes);
  const groups = ledger === null ? [] : await openAlertGroups(ledger.database, source.name);
  // A triage packet tells what was found on other hosts, whatever it is.
  const visited = new Set(of.visit.artifacts);
  const facts = {
    artifacts: found.artifacts.filter((artifact) => !visited.has(artifact)),
    staying: [...copies, ...visited],
    unclosed,
    toldDays: groups
      .flatMap(({ gaps }) => gaps.flatMap(({ playedUnix }) => playedUnix ?? []))
      .map((unix) => localDay(unix, config.zone)),
  };
  const { leftOut, ...rows } = await readHistory(asked, facts, settled);
  const near = rows.judged.filter(({ number }) => number === 1 || number === 2);
  const artifacts = found.artifacts.filter((artifact) => !leftOut.has(artifact));
  const indexed = new Set(artifacts.filter((artifact) => found.indexed.has(artifact)));
  return { ...found, ...rows, near, artifacts, indexed, found: hashes };
}
