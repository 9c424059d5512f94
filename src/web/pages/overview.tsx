/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import type { Context } from 'hono';
import { distrust } from '../../../reports/words.ts';
import { oneLine } from '../../core/harmless.ts';
import type { Desk, Overview } from '../desk.ts';
import type { Env, Session } from '../guard.tsx';
import { Page } from '../layout.tsx';
import { At, Badge, Notice } from '../parts.tsx';
import { IncidentTable } from './incident-table.tsx';
import { nowLine } from './now.ts';
import { AuditorPart, MessagesPart, PlacesPart } from './overview-auditor.tsx';
import { ChartsPart, FiguresPart } from './overview-coverage.tsx';

const mostOpen = 20;

function NowPart(props: { overview: Overview }) {
  const { overview } = props;
  const { tone, word, headline, audit } = nowLine(overview);
  return (
    <section class={`now ${tone}`} aria-label="The state of now">
      <p class="headline">
        <Badge tone={tone}>{word}</Badge> {headline}
      </p>
      {audit !== '' && <p>{audit}</p>}
      <p class="muted">
        Source {oneLine(overview.source)}, server time of {oneLine(overview.zone)}, as of{' '}
        <At at={overview.now} />.
      </p>
    </section>
  );
}

/** What a report says in red, too: first, because it takes the worth of every number below. */
function DiscrepanciesPart(props: { discrepancies: readonly string[] }) {
  const { discrepancies } = props;
  if (discrepancies.length === 0) return null;
  return (
    <div class="notice bad" role="alert">
      <p>{distrust}</p>
      <ul>
        {discrepancies.map((one) => (
          <li>{oneLine(one)}</li>
        ))}
      </ul>
    </div>
  );
}

function OpenPart(props: { overview: Overview }) {
  const open = [...props.overview.open].sort((a, b) => b.id - a.id);
  const shown = open.slice(0, mostOpen);
  const caption = open.length > mostOpen ? `The newest ${mostOpen} of ${open.length}` : 'Newest first';
  return (
    <section aria-labelledby="open">
      <form method="get" action="/incidents" class="filter">
        <input type="hidden" name="status" value="all" />
        <label>
          Find a round by its id
          <input type="text" inputmode="numeric" name="round" size={10} />
        </label>
        <button type="submit">Find</button>
      </form>
      <h2 id="open">Open incidents</h2>
      {open.length === 0 ? (
        <p>
          None. <a href="/incidents">Lost, held and excused ones</a>
        </p>
      ) : (
        <>
          <IncidentTable caption={caption} incidents={shown} />
          <p>
            <a href="/incidents?status=open">
              {open.length > mostOpen ? `All ${open.length} open incidents` : 'Find and filter incidents'}
            </a>
          </p>
        </>
      )}
    </section>
  );
}

function Whole(props: { overview: Overview; session: Session }) {
  const { overview, session } = props;
  return (
    <Page title="Overview" session={session} current="/">
      <h1>Overview</h1>
      <DiscrepanciesPart discrepancies={overview.figures?.discrepancies ?? []} />
      <NowPart overview={overview} />
      <OpenPart overview={overview} />
      {overview.figures === null ? (
        <Notice kind="alert">
          The source cannot be read, so there are no figures: {oneLine(overview.whyNoFigures ?? '')}
        </Notice>
      ) : (
        <>
          <FiguresPart coverage={overview.figures.coverage} series={overview.figures.series} />
          <ChartsPart series={overview.figures.series} />
        </>
      )}
      <PlacesPart overview={overview} />
      <MessagesPart overview={overview} />
      <AuditorPart overview={overview} />
    </Page>
  );
}

/** `/`: whether somebody has to do something now. */
export function overviewPage(desk: Desk) {
  return async (c: Context<Env>) =>
    c.html(<Whole overview={await desk.overview()} session={c.var.session} />);
}
