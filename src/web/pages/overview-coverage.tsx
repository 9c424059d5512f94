/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { raw } from 'hono/html';
import { r2Chart, roundsChart } from '../../../reports/charts.ts';
import type { DayPoint } from '../../../reports/model.ts';
import { percent } from '../../../reports/words.ts';
import { type Coverage, expectedTotal, openTotal } from '../../core/coverage.ts';
import { oneLine } from '../../core/harmless.ts';
import { Fold, Table } from '../parts.tsx';

const coverageDays = 14;

/** Live second rounds of some days. */
function r2Of(series: readonly DayPoint[]) {
  const expected = series.reduce((all, { r2 }) => all + r2.expected, 0);
  const live = series.reduce((all, { r2 }) => all + r2.live, 0);
  return { expected, live };
}

function Figure(props: { name: string; value: string; note: string; href?: string }) {
  const { name, value, note, href } = props;
  return (
    <div>
      <dt>{href === undefined ? name : <a href={href}>{name}</a>}</dt>
      <dd>
        <b>{value}</b> <span class="muted">{note}</span>
      </dd>
    </div>
  );
}

/** The figures of 14 days. */
export function FiguresPart(props: { coverage: Coverage; series: readonly DayPoint[] }) {
  const { coverage, series } = props;
  const days = series.slice(-coverageDays);
  const since = days[0]?.day ?? '';
  const r2 = r2Of(days);
  const r2Share = r2.expected === 0 ? 'none was played' : `${percent(r2.live, r2.expected)} live`;
  const { live, repaired, pending, setAside, lost } = coverage;
  return (
    <section aria-labelledby="coverage">
      <h2 id="coverage">Coverage of 14 days</h2>
      <dl class="figures">
        <Figure name="expected" value={String(expectedTotal(coverage))} note="should have a capture" />
        <Figure name="live" value={String(live)} note="covered by the live pipeline" />
        <Figure name="repaired" value={String(repaired)} note="covered by a repair" />
        <Figure name="pending" value={String(pending)} note="the live pipeline goes first" />
        <Figure
          name="open"
          value={String(openTotal(coverage))}
          note="something is left to do"
          href={`/incidents?status=open&since=${since}`}
        />
        <Figure name="set aside" value={String(setAside)} note="excused or held, and not lost" />
        <Figure
          name="lost"
          value={String(lost)}
          note="written off"
          href={`/incidents?status=unclosed&verdict=lost&since=${since}`}
        />
        <Figure name="R2" value={`${r2.live} of ${r2.expected}`} note={r2Share} />
      </dl>
    </section>
  );
}

function DayRow(props: { point: DayPoint }) {
  const { day, coverage, r1, r2, missingR2, unlikely } = props.point;
  if (coverage === null)
    return (
      <tr>
        <th scope="row">{day}</th>
        <td colspan={8}>no rounds were played</td>
      </tr>
    );
  const figures = [
    expectedTotal(coverage),
    coverage.live,
    coverage.repaired,
    coverage.pending,
    openTotal(coverage) + coverage.setAside,
    coverage.lost,
  ];
  return (
    <tr>
      <th scope="row">{day}</th>
      {figures.map((figure) => (
        <td class="number">{figure}</td>
      ))}
      <td class="number">
        {r1.live} of {r1.expected}
      </td>
      <td class="number">
        {r2.live} of {r2.expected}
        {unlikely && ' (unlikely few)'}
        {missingR2.length > 0 && <span class="muted"> missing {missingR2.join(', ')}</span>}
      </td>
    </tr>
  );
}

const dayColumns = [
  'Day',
  'Expected',
  'Live',
  'Repaired',
  'Pending',
  'Open or set aside',
  'Lost',
  'R1 live',
  'R2 live',
];

function Numbers(props: { about: string; series: readonly DayPoint[] }) {
  return (
    <Fold summary={`The numbers: ${props.about}`}>
      <Table caption={`${props.about}, the last day first`} columns={dayColumns}>
        {[...props.series].reverse().map((point) => (
          <DayRow point={point} />
        ))}
      </Table>
    </Fold>
  );
}

/** The charts of 30 days, each followed by its numbers. */
export async function ChartsPart(props: { series: readonly DayPoint[] }) {
  const { series } = props;
  const charts = await Promise.all([roundsChart(series, 'page'), r2Chart(series, 'page')]);
  return (
    <section aria-labelledby="charts">
      <h2 id="charts">30 days</h2>
      <div class="charts">
        {charts.map(({ title, description, svg }) => (
          <figure>
            <figcaption>
              <strong>{oneLine(title)}</strong>
            </figcaption>
            <div class="chart">{raw(svg)}</div>
            <p class="muted">{oneLine(description)}</p>
            <Numbers about={oneLine(title)} series={series} />
          </figure>
        ))}
      </div>
    </section>
  );
}
