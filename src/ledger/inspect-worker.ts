import { answerQuestions } from '../database-answering.ts';
import { soundEntries } from './inspect.ts';
import type { MembersOfKinds } from './inspect-thread.ts';

/* The thread of inspect-thread.ts. */

answerQuestions<MembersOfKinds>((page, members) => {
  const sound = soundEntries(page, (kind) => members.get(kind) ?? null);
  if (sound === null) throw new Error('not every entry of the page is surely sound');
  return sound;
});
