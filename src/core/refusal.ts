/** Why a repair or a revert is refused: a word for programs, a sentence for people. */
export interface Refusal {
  reason: string;
  because: string;
}

/** Thrown where a write is refused, and turned into a value where the write was asked for. */
export class Refused extends Error {
  refusal: Refusal;
  constructor(reason: string, because: string) {
    super(because);
    this.refusal = { reason, because };
  }
}

/** Refuses. */
export function refuse(reason: string, because: string): never {
  throw new Refused(reason, because);
}
