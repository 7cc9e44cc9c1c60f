/** A sync run in words, for operators in Temporal's UI. */
export function nameOfJob(recordType: string): string {
  return recordType === '' ? 'metadata' : recordType.replace(':', ' ');
}

export function describeSyncRun(kind: string, states: ReadonlyMap<string, string>): string {
  const jobs = [...states].map(([recordType, state]) => `- ${nameOfJob(recordType)}: ${state}`);
  return [`**${kind}** sync run`, ...jobs].join('\n').slice(0, 10_000);
}
