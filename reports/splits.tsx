/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */

import type { CauseCode } from '../src/core/cause.ts';
import type { NamedCoverage, Report } from './model.ts';
import { CountTable } from './parts.tsx';
import { measureTexts } from './sentences.ts';
import { causeWords, r2Sentence } from './words.ts';

/** A cause by its words and its code. */
const withWords = ({ name, coverage }: NamedCoverage) => ({
  name: `${causeWords[name as CauseCode]} (${name})`,
  coverage,
});

/** First rounds against second rounds, and the other ways to divide the window. */
export function Splits({ report, most }: { report: Report; most: number }) {
  const { splits, coverage } = report;
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
        {measureTexts(report).map((text) => (
          <li>{text}</li>
        ))}
      </ul>
    </section>
  );
}
