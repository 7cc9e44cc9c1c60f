/** What an operator reads about an endpoint's lane in Temporal's UI. */
export interface EndpointState {
  state: 'working' | 'disabled' | 'deleted';
  pendingDeliveries: number;
  blockedUntil: number | null;
}

/** At most 400 bytes: the limit of a timer's summary. */
export function summarizeDeliveryWait(pendingDeliveries: number): string {
  if (pendingDeliveries === 0) return 'until the first delivery is due';
  return `until the next of ${pendingDeliveries} waiting deliveries is due`;
}

/** Before the lane has looked for the first time it knows no more than when it will. */
export function describeFirstDelivery(nextDueAt: number): string {
  return `Events wait to be delivered; first look at ${instantOf(nextDueAt)}.`;
}

/** Markdown; our own words only. `nextDueAt` in milliseconds since 1970; null = nothing waits. */
export function describeEndpoint(endpoint: EndpointState, nextDueAt: number | null): string {
  const lines = [
    `**${endpoint.pendingDeliveries}** deliveries wait${nextDueAt === null ? '.' : `, next look at ${instantOf(nextDueAt)}.`}`,
  ];
  if (endpoint.state === 'disabled')
    lines.push(
      'The endpoint is switched off; the endpoint says why. Its deliveries are kept and can be recovered.',
    );
  if (endpoint.state === 'deleted') lines.push('The endpoint was deleted.');
  if (endpoint.blockedUntil !== null)
    lines.push(`Several attempts failed in a row: paused until ${instantOf(endpoint.blockedUntil)}.`);
  return lines.join('\n\n');
}

/** Never throws: an error here would jam the lane. */
function instantOf(ms: number): string {
  const instant = new Date(ms);
  return Number.isNaN(instant.getTime()) ? 'no date at all' : instant.toISOString();
}
