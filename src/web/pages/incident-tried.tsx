/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { counted } from '../../core/counted.ts';
import { oneLine } from '../../core/harmless.ts';
import type { FoldEntry, Incident, Said } from '../../core/incident.ts';
import type { Place } from '../../core/model.ts';
import { utcText } from '../../core/time.ts';
import type { SeenCandidate } from '../../core/verdict.ts';
import type { IncidentView } from '../desk.ts';
import { At, Table } from '../parts.tsx';
import { candidateText, distanceText } from './words.ts';

/** When a capture or an artifact of a round has to have ended: -5 to +30 s before its stats file (DESIGN, Matching). */
function reachText(playedAt: string | null | undefined): string {
  if (playedAt == null) return 'around its time';
  const at = (seconds: number) => new Date(Date.parse(playedAt) + seconds * 1000).toISOString().slice(11, 19);
  return `between ${at(-30)} and ${at(5)} UTC`;
}

function Candidates(props: { candidates: readonly SeenCandidate[]; incident: Incident }) {
  const { candidates, incident } = props;
  if (candidates.length === 0)
    return (
      <ul>
        <li>
          Looked for a capture in the database, and for an artifact (a file that the module writes) in every
          place below, that ended {reachText(incident.round?.playedAt)}, as one of this round must have: there
          is none.
        </li>
        {incident.repairs.length === 0 && <li>No repair was tried: there was nothing to repair it from.</li>}
      </ul>
    );
  return (
    <Table caption="Candidates that were looked at" columns={['Candidate', 'Distance', 'What is remarkable']}>
      {candidates.map((candidate) => (
        <tr>
          <th scope="row" title={candidate.path === null ? undefined : oneLine(candidate.path)}>
            {candidateText(candidate)}
          </th>
          <td>{distanceText(candidate.deltaSeconds)}</td>
          <td class="prose">{oneLine(candidate.note)}</td>
        </tr>
      ))}
    </Table>
  );
}

const instant = (unix: number | null) => (unix === null ? 'none' : <At at={utcText(unix)} bare />);

function PlaceRow(props: { place: Place }) {
  const { name, unreadable, count, oldestUnix, newestUnix } = props.place;
  return (
    <tr>
      <th scope="row" class="path">
        {oneLine(name)}
      </th>
      {unreadable !== null ? (
        <td colspan={3}>
          <strong>Could not be read:</strong> {oneLine(unreadable)}
        </td>
      ) : (
        <>
          <td class="number">{count}</td>
          <td class="nowrap">{instant(oldestUnix)}</td>
          <td class="nowrap">{instant(newestUnix)}</td>
        </>
      )}
    </tr>
  );
}

function Places(props: { places: readonly Place[] }) {
  const { places } = props;
  if (places.length === 0) return <p>No artifact place is configured, or none was written down with it.</p>;
  const columns = ['Place', 'Artifacts', 'Oldest ended (UTC)', 'Newest ended (UTC)'];
  return (
    <Table caption="Places that were looked through for its artifact" columns={columns}>
      {places.map((place) => (
        <PlaceRow place={place} />
      ))}
    </Table>
  );
}

/** What was looked at, and where. */
export function TriedPart(props: { view: IncidentView }) {
  const { incident, candidates, places } = props.view;
  const { refusal } = incident;
  return (
    <section aria-labelledby="tried">
      <h2 id="tried">What was tried</h2>
      <Candidates candidates={candidates} incident={incident} />
      <Places places={places} />
      {refusal !== null && (
        <p>
          Its repair was refused {counted(refusal.times, 'time')} in a row, last at <At at={refusal.at} />:{' '}
          {oneLine(refusal.reason)}
        </p>
      )}
      <Repairs incident={incident} />
    </section>
  );
}

function Repairs(props: { incident: Incident }) {
  const { repairs } = props.incident;
  if (repairs.length === 0) return null;
  return (
    <p>
      It was repaired:{' '}
      {repairs.map((seq, index) => (
        <>
          {index > 0 && ', '}
          <a href={`/ledger?at=${seq}`}>entry {seq}</a> (<code>roundwarden revert {seq}</code> undoes it)
        </>
      ))}
      .
    </p>
  );
}

function saidOf(entry: FoldEntry): Said {
  const { by, reason } = (entry.body ?? {}) as { by?: unknown; reason?: unknown };
  return { by: String(by ?? ''), at: entry.at, reason: String(reason ?? '') };
}

function Words(props: { what: string; said: Said }) {
  const { what, said } = props;
  return (
    <li>
      <strong>{what}</strong> by {oneLine(said.by) || 'nobody named'}, <At at={said.at} />
      {said.reason !== '' && `: ${oneLine(said.reason)}`}
    </li>
  );
}

function resolutionText(resolution: NonNullable<Incident['resolution']>): string {
  const which =
    resolution.kind === 'capture' ? `capture ${resolution.captureId}` : `artifact ${resolution.sha256}`;
  return `${which}, which the next audit writes under every other rule,`;
}

/** What people said so far, and what of it holds. */
export function DecidedPart(props: { view: IncidentView }) {
  const { incident, entries } = props.view;
  const { held, excused, acknowledged, resolution, releases } = incident;
  const notes = entries.filter(({ kind }) => kind === 'incident.noted').map(saidOf);
  const reopened = entries.filter(({ kind }) => kind === 'incident.reopened').map(saidOf);
  const lastSaid = (kind: string) => {
    const entry = entries.filter((one) => one.kind === kind).at(-1);
    return entry === undefined ? { by: '', at: incident.openedAt, reason: '' } : saidOf(entry);
  };
  const others = releases.length + notes.length + reopened.length;
  const nothing = !held && !excused && !acknowledged && !resolution && others === 0;
  return (
    <section aria-labelledby="decided">
      <h2 id="decided">What people decided</h2>
      {nothing ? (
        <p>Nothing so far.</p>
      ) : (
        <ul>
          {held && <Words what="Held" said={held} />}
          {excused && <Words what="Excused" said={excused} />}
          {acknowledged && <Words what="Acknowledged" said={acknowledged} />}
          {resolution && (
            <>
              <Words what={`Chosen: ${resolutionText(resolution)}`} said={lastSaid('incident.resolved')} />
              <li>To choose otherwise, reopen it first: that ends this choice.</li>
            </>
          )}
          {releases.length > 0 && (
            <li>
              <strong>Released</strong>: {releases.map((id) => `capture ${id}`).join(', ')}
            </li>
          )}
          {reopened.map((said) => (
            <Words what="Reopened, which ended what was decided before," said={said} />
          ))}
          {notes.map((said) => (
            <Words what="Note" said={said} />
          ))}
        </ul>
      )}
    </section>
  );
}
