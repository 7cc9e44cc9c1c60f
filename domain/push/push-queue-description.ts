/** What an operator reads about a lane in Temporal's UI. */
export interface QueueState {
  state: 'working' | 'paused' | 'needs_reauthorization' | 'deleted';
  pendingRecords: number;
  blockedUntil: number | null;
  blockedReason: 'outage' | 'rate_limit' | null;
}

/** At most 400 bytes: the limit of a timer's summary. */
export function summarizeWait(pendingRecords: number): string {
  if (pendingRecords === 0) return 'until the first record is due';
  return `until the next of ${pendingRecords} waiting records is due`;
}

/** Before the lane has looked for the first time it knows no more than when it will. */
export function describeFirstWait(nextDueAt: number): string {
  return `Changed records wait for quiet; first look at ${instantOf(nextDueAt)}.`;
}

/** Markdown; our own words only, so far below the limit of 20,000 bytes. `nextDueAt` in milliseconds since 1970; null = nothing waits. */
export function describePushQueue(queue: QueueState, nextDueAt: number | null): string {
  const lines = [
    `**${queue.pendingRecords}** records wait${nextDueAt === null ? '.' : `, next look at ${instantOf(nextDueAt)}.`}`,
  ];
  if (queue.state === 'paused')
    lines.push('Paused: windows keep opening, nothing is pushed. Resume the integration to go on.');
  if (queue.state === 'needs_reauthorization')
    lines.push('The third party refuses the credentials: give new ones to go on.');
  if (queue.state === 'deleted') lines.push('The integration was deleted.');
  if (queue.blockedUntil !== null) {
    const why =
      queue.blockedReason === 'rate_limit'
        ? 'The third party asked for a pause'
        : 'The third party cannot be reached; it is probed';
    lines.push(`${why} until ${instantOf(queue.blockedUntil)}; the integration says why.`);
  }
  return lines.join('\n\n');
}

/** Never throws: an error here would jam the lane. */
function instantOf(ms: number): string {
  const instant = new Date(ms);
  return Number.isNaN(instant.getTime()) ? 'no date at all' : instant.toISOString();
}
