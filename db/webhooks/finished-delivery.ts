/** How one attempt of a claimed delivery ended. */
import type { ClaimedDelivery } from './claim-deliveries';

export interface AttemptLog {
  at: Date;
  durationMs: number;
  status: number | null;
  error: string | null;
  requestHeaders: Record<string, string>;
  responseHeaders: Readonly<Record<string, string>> | null;
  responseBody: string | null;
}

export interface FinishedDelivery {
  delivery: ClaimedDelivery;
  attempt: AttemptLog;
  outcome: { kind: 'delivered' | 'failed' | 'disabled' } | { kind: 'retrying'; nextAttemptAt: Date };
}
