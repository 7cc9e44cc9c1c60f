/** The API accepts at most 14 days; a minute less allows for clocks that differ. */
const RECOVERABLE_MS = 14 * 86_400_000 - 60_000;

export const recoverableSince = (): string => new Date(Date.now() - RECOVERABLE_MS).toISOString();

/** One request looks at a bounded number of deliveries. */
export const MORE_TO_RECOVER = ' More may have been missed: recover again.';
