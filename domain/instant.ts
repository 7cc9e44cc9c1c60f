/**
 * @param ms milliseconds since 1970. Never throws: an error in a description would block the workflow that
 * shows it.
 */
export function instantOf(ms: number): string {
  const instant = new Date(ms);
  return Number.isNaN(instant.getTime()) ? 'an unknown time' : instant.toISOString();
}
