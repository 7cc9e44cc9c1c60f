/** The queue of a webhook endpoint as text for operators in Temporal's UI. */
import { instantOf } from '../instant';

/** Waiting deliveries are counted up to this number. */
export const COUNTED_DELIVERIES_MAX = 5_000;

export interface EndpointState {
  state: 'working' | 'disabled' | 'deleted';
  pendingDeliveries: number;
  blockedUntil: number | null;
}

/** At most 400 bytes: the limit of a timer's summary. */
export function summarizeDeliveryWait(pendingDeliveries: number): string {
  if (pendingDeliveries === 0) return 'until the first delivery is due';
  return `until the next of ${inWords(pendingDeliveries)} pending deliveries is due`;
}

const inWords = (deliveries: number): string =>
  deliveries < COUNTED_DELIVERIES_MAX ? String(deliveries) : `${COUNTED_DELIVERIES_MAX} or more`;

/** Until the first execution, the workflow only knows when it will start. */
export function describeFirstDelivery(nextDueAt: number): string {
  return `Events are waiting for delivery. First check at ${instantOf(nextDueAt)}.`;
}

/** Markdown. `nextDueAt` in milliseconds since 1970; null = no delivery is due. */
export function describeEndpoint(endpoint: EndpointState, nextDueAt: number | null): string {
  const nextCheck = nextDueAt === null ? '' : ` Next check at ${instantOf(nextDueAt)}.`;
  const lines = [`**${inWords(endpoint.pendingDeliveries)}** deliveries pending.${nextCheck}`];
  if (endpoint.state === 'disabled')
    lines.push(
      'The endpoint is disabled, for the reason shown at the endpoint. Its deliveries are kept and can be recovered.',
    );
  if (endpoint.state === 'deleted') lines.push('The endpoint was deleted.');
  if (endpoint.blockedUntil !== null)
    lines.push(`Several attempts failed in a row. Deliveries resume at ${instantOf(endpoint.blockedUntil)}.`);
  return lines.join('\n\n');
}
