import type { Schemas } from '../../api/client';
import { plural } from '../../common/formatting';

/** The API accepts at most 14 days; a minute less allows for clocks that differ. */
const RECOVERABLE_MS = 14 * 86_400_000 - 60_000;

export const recoverableSince = (): string => new Date(Date.now() - RECOVERABLE_MS).toISOString();

/** What a request has done, which looks at a bounded number of deliveries. Empty = nothing was missed. */
export function recoveredText({ recovered, has_more: hasMore }: Schemas['RecoveredDeliveries']): string {
  const sent = recovered === 0 ? [] : [`Sending ${plural(recovered, 'delivery', 'deliveries')} again.`];
  return [...sent, ...(hasMore ? ['More may have been missed: recover again.'] : [])].join(' ');
}
