/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import type { Context } from 'hono';
import { oneLine } from '../../core/harmless.ts';
import { UsageError } from '../../errors.ts';
import type { Desk, IncidentView } from '../desk.ts';
import { readForm } from '../form.ts';
import type { Env, Session } from '../guard.tsx';
import { Page } from '../layout.tsx';
import { At, Facts, Notice } from '../parts.tsx';
import { doneText, isKind, type Refused } from './decisions.ts';
import { LogsPart, PacketPart, RowsPart, TimelinePart } from './incident-around.tsx';
import { DecidePart } from './incident-decide.tsx';
import { DecidedPart, TriedPart } from './incident-tried.tsx';
import { VerdictPart, WhyPart } from './incident-why.tsx';
import { readDecision } from './query.ts';
import { playedOf, roundName, sentence } from './words.ts';

function Heading(props: { view: IncidentView }) {
  const { incident } = props.view;
  const { round } = incident;
  return (
    <>
      <h1>
        {roundName(incident)}
        {round !== null && `, round ${round.roundId}`}
      </h1>
      <Facts
        facts={[
          ['played until, server time', playedOf(incident)],
          ['UTC', round?.playedAt == null ? 'unreadable' : <At at={round.playedAt} />],
          ['session', String(round?.session ?? 'none')],
          ['match id', oneLine(round?.matchId ?? 'none')],
          ['incident', String(incident.id)],
          ['found by an audit', <At at={incident.openedAt} />],
          ['source', oneLine(incident.source)],
        ]}
      />
    </>
  );
}

/** The parts of the page that people jump to. */
const parts = [
  ['why', 'Why'],
  ['tried', 'What was tried'],
  ['decide', 'Decide'],
  ['timeline', 'Timeline'],
] as const;

function Whole(props: {
  view: IncidentView;
  session: Session;
  done: string | null;
  refused: Refused | null;
}) {
  const { view, session, done, refused } = props;
  return (
    <Page
      title={`${roundName(view.incident)}, incident ${view.incident.id}`}
      session={session}
      current="/incidents"
    >
      {done !== null && <Notice kind="status">{done}</Notice>}
      {refused !== null && (
        <Notice kind="alert">
          Nothing was written. {oneLine(sentence(refused.problem))}{' '}
          {isKind(refused.typed.kind) && <a href={`#reason-${refused.typed.kind}`}>Back to the form</a>}
        </Notice>
      )}
      <Heading view={view} />
      <VerdictPart view={view} />
      <nav class="inside" aria-label="On this page">
        <ul class="inline">
          {parts.map(([id, name]) => (
            <li>
              <a href={`#${id}`}>{name}</a>
            </li>
          ))}
        </ul>
      </nav>
      <WhyPart view={view} />
      <TriedPart view={view} />
      <DecidedPart view={view} />
      <DecidePart view={view} session={session} refused={refused} />
      <TimelinePart entries={view.entries} />
      <RowsPart view={view} />
      <LogsPart view={view} />
      <PacketPart packet={view.packet} />
    </Page>
  );
}

const numberOf = (c: Context<Env>) => Number(c.req.param('id'));

/** `/incidents/ID`: why the round is missing, what was tried, and the forms by which a person decides. */
export function incidentPage(desk: Desk) {
  return async (c: Context<Env>) => {
    const view = await desk.incident(numberOf(c));
    if (view === null) return c.notFound();
    const done = doneText(c.req.query('done'), view);
    return c.html(<Whole view={view} session={c.var.session} done={done} refused={null} />);
  };
}

/** Null where it was written, and otherwise why it was not. */
async function tryToDecide(desk: Desk, c: Context<Env>): Promise<{ kind: string; refused: Refused | null }> {
  const { typed, decision, problem } = readDecision(await readForm(c));
  const { kind } = typed;
  if (decision === null) return { kind, refused: { typed, problem } };
  try {
    await desk.decide(numberOf(c), decision, c.var.session.name);
    return { kind, refused: null };
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    return { kind, refused: { typed, problem: thrown.message } };
  }
}

/** `/incidents/ID/decide`: one decision, and back to the incident; what was refused is shown as it was typed. */
export function decidePage(desk: Desk) {
  return async (c: Context<Env>) => {
    const id = numberOf(c);
    const { kind, refused } = await tryToDecide(desk, c);
    if (refused === null) return c.redirect(`/incidents/${id}?done=${kind}`, 303);
    const view = await desk.incident(id);
    if (view === null) return c.notFound();
    return c.html(<Whole view={view} session={c.var.session} done={null} refused={refused} />, 400);
  };
}
