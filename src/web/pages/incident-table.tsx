/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import type { Incident } from '../../core/incident.ts';
import { Table, VerdictBadge } from '../parts.tsx';
import { causeOf, causeText, playedOf, roundName, statusText } from './words.ts';

/** What a person looks for first stands first: on a phone the others scroll. */
const columns = ['Round, played (server time)', 'Verdict', 'Cause', 'Status', 'Incident'];

function Row(props: { incident: Incident }) {
  const { incident } = props;
  const cause = causeOf(incident);
  return (
    <tr>
      <th scope="row">
        <a href={`/incidents/${incident.id}`}>
          {roundName(incident)}
          {incident.round !== null && `, ${incident.round.roundId}`}
        </a>
        <small class="nowrap">{playedOf(incident)}</small>
      </th>
      <td>
        <VerdictBadge verdict={incident.verdict} />
      </td>
      <td>{cause === null ? '' : causeText(cause.code)}</td>
      <td>{statusText(incident)}</td>
      <td class="number">{incident.id}</td>
    </tr>
  );
}

/** Incidents, each with a link to its own page. */
export function IncidentTable(props: { caption: string; incidents: readonly Incident[] }) {
  return (
    <Table caption={props.caption} columns={columns}>
      {props.incidents.map((incident) => (
        <Row incident={incident} />
      ))}
    </Table>
  );
}
