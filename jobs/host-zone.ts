import { readFileSync, readlinkSync } from 'node:fs';
import { isZone } from '../src/core/time.ts';

function tried(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** The zone of this host's clock, whatever TZ says (this process runs in UTC); null where the host does not name it. */
export function hostZone(localtime = '/etc/localtime', timezone = '/etc/timezone'): string | null {
  const [, linked] = /zoneinfo\/(.+)$/.exec(tried(() => readlinkSync(localtime))) ?? [];
  const written = tried(() => readFileSync(timezone, 'utf8')).trim();
  return [linked, written].find((zone) => zone !== undefined && zone !== '' && isZone(zone)) ?? null;
}
