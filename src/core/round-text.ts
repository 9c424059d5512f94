import { printable } from './printable.ts';

/** A round's own date and time for people: `2026-02-11 22:02:05`, or what stands there where it cannot be read. */
export function playedText(round: { date: string | null; time: string | null } | null): string {
  const time = (round?.time ?? '?').replace(/^(\d{2})(\d{2})(\d{2})$/, '$1:$2:$3');
  return printable(`${round?.date ?? '?'} ${time}`);
}
