/** What an operator reads about a lane in Temporal's UI. */
export interface LaneState {
  state: 'working' | 'paused' | 'needs_reauthorization' | 'deleted';
  pendingRecords: number;
  blockedUntil: number | null;
  blockedBecause: 'outage' | 'rate_limit' | null;
}

/** At most 400 bytes: the limit of a timer's summary. */
export function summarizeWait(pendingRecords: number): string {
  if (pendingRecords === 0) return 'until the first record is due';
  return `until the next of ${pendingRecords} waiting records is due`;
}

/** Before the lane has looked for the first time it knows no more than when it will. */
export function describeFirstWait(wakeAt: number): string {
  return `Changed records wait for quiet; first look at ${instantOf(wakeAt)}.`;
}

/** Markdown; our own words only, so far below the limit of 20,000 bytes. `wakeAt` in milliseconds since 1970; null = nothing waits. */
export function describeLane(lane: LaneState, wakeAt: number | null): string {
  const lines = [`**${lane.pendingRecords}** records wait${wakeAt === null ? '..' : `, next look at ${instantOf(wakeAt)}.`}`];
  if (lane.state === 'paused') lines.push('Paused: windows keep opening, nothing is pushed. Resume the integration to go on.');
  if (lane.state === 'needs_reauthorization') lines.push('The third party refuses the credentials: give new ones to go on.');
  if (lane.state === 'deleted') lines.push('The integration was deleted.');
  if (lane.blockedUntil !== null) {
    const why = lane.blockedBecause === 'rate_limit' ? 'The third party asked for a pause' : 'The third party cannot be reached; it is probed';
    lines.push(`${why} until ${instantOf(lane.blockedUntil)}; the integration says why.`);
  }
  return lines.join('\n\n');
}

/** Never throws: an error here would jam the lane. */
function instantOf(ms: number): string {
  const instant = new Date(ms);
  return Number.isNaN(instant.getTime()) ? 'no date at all' : instant.toISOString();
}
