/** Time zones by their IANA names. Every listed name is accepted, and so are the older names of the same zones. */
const listed = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')];

export function listTimeZones(): readonly string[] {
  return listed;
}

export function isTimeZone(name: string): boolean {
  // Offsets such as "+01:00" are accepted by Intl, but know no daylight saving: a nightly run would drift.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
