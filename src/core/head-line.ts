/** A ledger's head as it stands in reports, mails and on terminals, and as `ledger verify --anchor` takes it. */
export function headLine(head: { seq: number; hash: string } | null): string {
  return head === null ? 'ledger head: no ledger yet' : `ledger head: ${head.seq} ${head.hash}`;
}
