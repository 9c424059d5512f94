import { isLoopback } from '../src/core/loopback.ts';
import { type Database, describeUrl } from '../src/database.ts';
import { isEncrypted } from '../src/database-rights.ts';
import { type Area, type Check, checksOf } from './doctor-check.ts';

/** How a database on another host is reached. */
export interface Transport {
  setting: string;
  host: string;
  /** `sslmode` of the address; null where it says nothing. */
  mode: string | null;
  encrypted: boolean;
}

/** Whether somebody on the way could read or answer what goes to a database; null on this host. */
export function judgeTransport(area: Area, { setting, host, mode, encrypted }: Transport): Check | null {
  const { ok, warning } = checksOf(area);
  if (host === '' || isLoopback(host)) return null;
  const name = 'encryption';
  const mend = `end ${setting} with ?sslmode=verify-full&sslrootcert=FILE (docs/security.md)`;
  if (!encrypted) return warning(name, `what goes to ${host} is not encrypted`, mend);
  if (mode === 'no-verify')
    return warning(name, `what goes to ${host} is encrypted, but whoever answers there is believed`, mend);
  return ok(name, `what goes to ${host} is encrypted, and its certificate is checked`);
}

/** One line for the way to a database on another host; none for a file or this host. */
export async function checkTransport(
  area: Area,
  of: { setting: string; url: string; database: Database },
): Promise<Check[]> {
  const { setting, url, database } = of;
  if (describeUrl(url).dialect === 'sqlite') return [];
  const { hostname, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? decodeURIComponent(hostname);
  const encrypted = await isEncrypted(database);
  const asked = searchParams.get('sslmode');
  // As libpq reads the other modes, none checks who answers.
  const asLibpq = searchParams.get('uselibpqcompat') === 'true' && asked !== 'verify-full';
  const check = judgeTransport(area, { setting, host, mode: asLibpq ? 'no-verify' : asked, encrypted });
  return check === null ? [] : [check];
}
