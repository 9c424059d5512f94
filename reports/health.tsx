/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { oneLine } from '../src/core/harmless.ts';
import { headLine } from '../src/core/head-line.ts';
import type { Report } from './model.ts';
import { auditsText, blindText, letterText, messagesText, placesRead, placeText } from './sentences.ts';
import { moreText } from './words.ts';

/** A checkpoint is some three hundred characters long; one with a longer name of its key is not cut, but left out. */
const mostOfNote = 1_000;

/** The checkpoint, as it must be kept to be worth something: whole, with its signature. */
function SignedHead({ checkpoint }: Pick<Report, 'checkpoint'>) {
  if (checkpoint === null) return null;
  const { note, problem } = checkpoint;
  if (note === null) return <p class="alarm">The ledger was not signed: {oneLine(problem ?? '')}</p>;
  if (note.length > mostOfNote) return <p>The same, signed, is too long to stand here: the JSON has it.</p>;
  return (
    <>
      <pre>{note}</pre>
      <p class="soft">
        The same, signed: in a file of its own, <code>roundwarden ledger verify --checkpoint</code> holds the
        ledger against it.
      </p>
    </>
  );
}

/** How the auditor itself is: a sensor that is down must not look like health. */
export function Health({ report, most }: { report: Report; most: number }) {
  const { auditor } = report;
  const { runs, blindSeconds, deadLetters, unreadablePlaces } = auditor;
  const [leftPlaces, leftLetters] = [unreadablePlaces.length - most, deadLetters.length - most];
  return (
    <section aria-labelledby="auditor">
      <h2 id="auditor">The auditor itself</h2>
      <ul>
        <li>{auditsText(auditor)}</li>
        <li class={runs.expected > 0 && blindSeconds > 0 ? 'lost' : undefined}>{blindText(auditor)}</li>
        {unreadablePlaces.length === 0 ? <li>{placesRead}</li> : null}
        {unreadablePlaces.slice(0, most).map((one) => (
          <li class="lost">{oneLine(placeText(one))}</li>
        ))}
        {leftPlaces > 0 ? <li class="lost">{moreText(leftPlaces)}</li> : null}
        <li>{messagesText(auditor)}</li>
        {deadLetters.slice(0, most).map((one) => (
          <li class="lost">{oneLine(letterText(one))}</li>
        ))}
        {leftLetters > 0 ? <li class="lost">{moreText(leftLetters)}</li> : null}
      </ul>
      <p>
        <code>{headLine(report.ledger)}</code>
      </p>
      <p class="soft">
        Keep this line: <code>roundwarden ledger verify --anchor</code> compares the ledger with it, so that a
        mailbox is a witness.
      </p>
      <SignedHead checkpoint={report.checkpoint} />
    </section>
  );
}
