import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context } from 'hono';
import type { GuardOptions } from './guard.tsx';
import { type Failure, secondsToWait, withFailure } from './login-limit.ts';
import { sameSecret } from './session.ts';

/** Whether a token is the right one. Who has failed too often is not told, and has to wait. */
export type TokenAnswer = { is: 'right' } | { is: 'wrong' } | { is: 'not_asked'; waitSeconds: number };

export type TokenCheck = (c: Context, given: string) => TokenAnswer;

/** A check with a memory of its own for failures. It waits for nothing, so that no two attempts overlap. */
export function tokenCheck(options: GuardOptions): TokenCheck {
  const addressOf = options.remoteAddress ?? socketAddress;
  let failures: readonly Failure[] = [];
  return (c, given) => {
    const [address, nowMs] = [addressOf(c), options.nowMs()];
    const waitSeconds = secondsToWait(failures, address, nowMs);
    if (waitSeconds > 0) return { is: 'not_asked', waitSeconds };
    if (sameSecret(given, options.token)) return { is: 'right' };
    failures = withFailure(failures, { address, atMs: nowMs });
    return { is: 'wrong' };
  };
}

/** The other end of the connection; requests without one, as in a test, are all from one place. */
function socketAddress(c: Context): string {
  try {
    return getConnInfo(c).remote.address ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
