/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */

import { durationText } from '../src/core/alert-text.ts';
import type { CauseCode } from '../src/core/cause.ts';
import { counted } from '../src/core/counted.ts';
import { coveredTotal, expectedTotal } from '../src/core/coverage.ts';
import type { NamedCoverage, Report } from './model.ts';
import { CountTable } from './parts.tsx';
import { causeWords, percent, r2Sentence } from './words.ts';

/** A cause by its words and its code. */
const withWords = ({ name, coverage }: NamedCoverage) => ({
  name: `${causeWords[name as CauseCode]} (${name})`,
  coverage,
});

/** First rounds against second rounds, and the other ways to divide the window. */
export function Splits({ report, most }: { report: Report; most: number }) {
  const { splits, coverage, delays, rescued, rescued30, last14, last30 } = report;
  const delayText = (delay: typeof delays.detection) =>
    delay === null
      ? 'none'
      : `${durationText(delay.medianSeconds)} at the median, ${durationText(delay.longestSeconds)} at most, over ${counted(delay.rounds, 'round')}`;
  return (
    <section aria-labelledby="splits">
      <h2 id="splits">R1 against R2</h2>
      <CountTable
        caption="Rounds by number"
        by="number"
        rows={[...splits.number, { name: 'all', coverage }]}
      />
      <p class={report.r2.state === 'unlikely' ? 'alarm' : undefined}>{r2Sentence(report)}</p>
      <CountTable caption="Rounds by map" by="map" rows={splits.map} most={most} />
      <CountTable caption="Rounds by module version" by="version" rows={splits.moduleVersion} most={most} />
      {splits.cause.length > 0 ? (
        <CountTable
          caption="Rounds that the live pipeline missed, by cause"
          by="cause"
          rows={splits.cause.map(withWords)}
          most={most}
        />
      ) : null}
      <ul>
        <li>From a round's end to its entry in the ledger: {delayText(delays.detection)}.</li>
        <li>From a round's end to its repair: {delayText(delays.repair)}.</li>
        <li>
          Rescued by repair: {counted(rescued.rounds, 'round')}, {rescued.minutes} min of play; in 30 days{' '}
          {counted(rescued30.rounds, 'round')}, {rescued30.minutes} min.
        </li>
        <li>
          Covered in 14 days: {percent(coveredTotal(last14), expectedTotal(last14))}; in 30 days:{' '}
          {percent(coveredTotal(last30), expectedTotal(last30))}.
        </li>
      </ul>
    </section>
  );
}
