import { answerQuestions } from '../database-answering.ts';
import { inspectRow } from './inspect.ts';
import type { MembersOfKinds } from './inspect-thread.ts';

/* The thread of inspect-thread.ts. */

answerQuestions((rows, how) => {
  const members = how as MembersOfKinds;
  return rows.map((row) => inspectRow(row, (kind) => members.get(kind) ?? null));
});
