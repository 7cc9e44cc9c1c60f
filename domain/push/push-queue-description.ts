/** A push queue as text for operators in Temporal's UI. Contains no text of third parties. */
import { instantOf } from '../instant';

/** More pending records than this are not counted: their number would be read after every few pushes. */
export const PENDING_COUNTED_MAX = 10_000;

const inWords = (pendingRecords: number): string =>
  pendingRecords < PENDING_COUNTED_MAX ? String(pendingRecords) : `${PENDING_COUNTED_MAX} or more`;

export interface QueueState {
  state: 'working' | 'paused' | 'needs_reauthorization' | 'deleted';
  pendingRecords: number;
  blockedUntil: number | null;
  blockedReason: 'outage' | 'rate_limit' | null;
}

/** At most 400 bytes: the limit of a timer's summary. */
export function summarizeWait(pendingRecords: number): string {
  if (pendingRecords === 0) return 'until the first record is due';
  return `until the next of ${inWords(pendingRecords)} pending records is due`;
}

/** Until the first execution, the workflow only knows when it will start. */
export function describeFirstWait(nextDueAt: number): string {
  return `Changed records are waiting for the end of their grace period. First check at ${instantOf(nextDueAt)}.`;
}

/**
 * Markdown, far below the limit of 20,000 bytes. `nextDueAt` in milliseconds since 1970; null = no record is
 * due.
 */
export function describePushQueue(queue: QueueState, nextDueAt: number | null): string {
  const nextCheck = nextDueAt === null ? '' : ` Next check at ${instantOf(nextDueAt)}.`;
  const lines = [`**${inWords(queue.pendingRecords)}** records pending.${nextCheck}`];
  if (queue.state === 'paused')
    lines.push('The integration is paused. Changes are collected but not pushed until it is resumed.');
  if (queue.state === 'needs_reauthorization')
    lines.push('The third party rejects the credentials. Pushes resume once the integration has new ones.');
  if (queue.state === 'deleted') lines.push('The integration was deleted.');
  if (queue.blockedUntil !== null) {
    const until = instantOf(queue.blockedUntil);
    lines.push(
      queue.blockedReason === 'rate_limit'
        ? `The third party limits the rate of requests. Pushes resume at ${until}.`
        : `The third party cannot be reached. Next probe at ${until}.`,
      'The reason is shown at the integration.',
    );
  }
  return lines.join('\n\n');
}
