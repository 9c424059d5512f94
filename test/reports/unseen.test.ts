import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unseenSince, unseenText } from '../../reports/unseen.ts';
import type { Incident } from '../../src/core/incident.ts';
import { unix, zone } from '../jobs/games.ts';

const from = unix('2026-02-16 21:24:29');
const waits = { fromUnix: from, untilUnix: from + 300 };
const met = 'it waited for its capture until 2026-02-16 21:29:29, and no audit has looked at it since';
const unmet = 'no audit has looked at it yet';

describe('unseenText(), of a round that the ledger does not know', () => {
  const cases: { what: string; auditStarts: number[]; waits: typeof waits | null; says: string }[] = [
    { what: 'no audit at all', auditStarts: [], waits, says: unmet },
    { what: 'an audit just before it was there', auditStarts: [from - 1], waits, says: unmet },
    { what: 'an audit at the second of its file', auditStarts: [from], waits, says: met },
    { what: 'an audit in the last second of its time', auditStarts: [from + 299], waits, says: met },
    { what: 'an audit that began when its time was up', auditStarts: [from + 300], waits, says: unmet },
    {
      what: 'audits before, while and after it waited',
      auditStarts: [from - 60, from + 60, from + 600],
      waits,
      says: met,
    },
    { what: 'a time that cannot be read', auditStarts: [from], waits: null, says: unmet },
  ];
  for (const { what, auditStarts, waits: own, says } of cases)
    it(what, () => {
      assert.equal(unseenText(undefined, own, { auditStarts, zone }), says);
    });
});

describe('unseenSince(), of a round whose last verdict holds no more', () => {
  const at = '2026-02-17T00:00:00.000Z';
  const closedAs = (as: NonNullable<Incident['closed']>['as']): Partial<Incident> => ({
    status: 'closed',
    closed: { at, as, by: null },
  });
  const cases: [what: string, incident: Partial<Incident>, says: RegExp][] = [
    [
      'reopened after it was written off',
      { status: 'open', verdict: 'lost', closed: null },
      /^it was reopened, /,
    ],
    ['covered before', closedAs('covered'), /^it was covered and is so no more, /],
    ['exempt before', closedAs('exempt'), /^it was exempt and is so no more, /],
    ['vanished before', closedAs('vanished'), /^its row was gone and is back, /],
    ['only noted', { status: 'closed', closed: null }, /^no audit has looked at it since the last entry/],
  ];
  for (const [what, incident, says] of cases)
    it(what, () => {
      assert.match(unseenSince(incident as Incident), says);
      assert.equal(
        unseenText(incident as Incident, waits, { auditStarts: [from], zone }),
        unseenSince(incident as Incident),
      );
    });
});
