/**
 * Time zones by their IANA names. Every listed name is accepted, and so are the older names of the same
 * zones. Names are stored as the IANA database spells them.
 */
import { findZoneName } from '../../db/tenants/time-zones';
import type { Work } from '../../db/database';

const listed = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')];

export function listTimeZones(): readonly string[] {
  return listed;
}

/** The name in the IANA database's spelling; undefined if Node.js or PostgreSQL does not know the zone. */
export async function findTimeZone(work: Pick<Work, 'trx'>, name: string): Promise<string | undefined> {
  if (!isTimeZone(name)) return undefined;
  const found = await findZoneName(work, name);
  return found !== undefined && isTimeZone(found) ? found : undefined;
}

function isTimeZone(name: string): boolean {
  // Intl accepts offsets such as "+01:00", but an offset has no daylight saving time, so nightly runs would
  // shift.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
