/**
 * Time zones by their IANA names. Every listed name is accepted, and so are the older names of the same
 * zones.
 */
const listed = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')];

export function listTimeZones(): readonly string[] {
  return listed;
}

export function isTimeZone(name: string): boolean {
  // Intl accepts offsets such as "+01:00", but an offset has no daylight saving time, so nightly runs would
  // shift.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
