/** What follows once the results of pushes are stored. Safe to repeat; other steps make up for a lost one. */
import type { TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import type { FinishedPush } from '../../db/push/push-outcome';
import { settleFinished } from '../../db/push/references/settle-finished';
import { measurePushes } from '../latency';
import { takeUnread } from './unread-edits';

export async function afterPushes(
  inTenant: <T>(work: (work: TenantWork) => Promise<T>) => Promise<T>,
  integration: Integration,
  finished: readonly FinishedPush[],
  now: Date,
): Promise<void> {
  measurePushes(integration.connector, finished, now);
  await settleFinished(inTenant, integration, finished);
  await takeUnread(finished, integration, inTenant);
}
