/** Tells admins that the webhooks of an app have stopped: a full run found changes, and none had come. */
import type { SyncJob, SyncRun } from '../../pull/job-rows';
import type { TenantWork } from '../../database';
import { findAppWebhooksOf } from '../../integrations/incoming/app-addresses';
import { findAddress } from '../../integrations/incoming/addresses';
import { notifyAdmins, resolveNotification } from '../../notifications/notifications';

/** A quiet night is no silence. */
const SILENT_AFTER_MS = 24 * 3_600_000;

export async function tellOfSilentWebhooks(
  work: TenantWork,
  { integrationId, scope }: Pick<SyncRun, 'integrationId' | 'scope'>,
  jobs: readonly Pick<SyncJob, 'webhooksMissed'>[],
): Promise<void> {
  if (scope !== 'full' || jobs.every(({ webhooksMissed }) => webhooksMissed === null)) return;
  const missed = jobs.reduce((sum, { webhooksMissed }) => sum + (webhooksMissed ?? 0), 0);
  const own = await findAddress(work, { integrationId });
  // An address without a secret takes no call; those of the account may come through its app.
  const ofApp = own?.secret == null ? await findAppWebhooksOf(work, { integrationId }) : undefined;
  const address = ofApp ?? own;
  if (address === undefined) return;
  const heardAt = address.receivedAt ?? address.createdAt;
  const place = { integrationId, kind: 'webhooks_silent' as const };
  if (heardAt.getTime() > work.now.getTime() - SILENT_AFTER_MS)
    return resolveNotification(work, { ...place, now: work.now });
  if (missed === 0) return;
  const since = address.receivedAt === null ? 'No webhook has come yet' : 'No webhook has come for a day';
  await notifyAdmins(work, {
    ...place,
    detail: `${since}, but the last full sync found ${missed} changes that one should have announced.`,
  });
}
