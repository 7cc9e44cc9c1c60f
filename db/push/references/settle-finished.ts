/** What pushes that have ended mean for records that refer to theirs (docs/decisions/0033). */
import type { RecordTypeMappings } from '../../../domain/records/mapping';
import { referringTypes } from '../../../domain/records/references';
import type { TenantWork } from '../../database';
import { endWaits } from '../../records/references/end-waits';
import { keepPromisesTo } from '../../pull/references/keep-promises';
import type { FinishedPush } from '../push-outcome';
import { settleWaiting, endOutdated } from './settle-references';

/** Safe to repeat. Without it, what waits looks again by itself after a while. */
export async function settleFinished(
  inTenant: <T>(work: (tenant: TenantWork) => Promise<T>) => Promise<T>,
  { integrationId, recordTypes }: { integrationId: string; recordTypes: RecordTypeMappings },
  finished: readonly FinishedPush[],
): Promise<void> {
  const linked = finished.flatMap(({ push: { recordType, externalId, remoteId: before }, outcome }) =>
    outcome.kind === 'succeeded' &&
    outcome.remoteId !== null &&
    outcome.remoteId !== before &&
    Object.keys(referringTypes(recordTypes, recordType)).length > 0
      ? [{ recordType, externalId, remoteId: outcome.remoteId }]
      : [],
  );
  await endWaits(inTenant, integrationId, linked);
  await keepPromisesTo(inTenant, { integrationId, recordTypes }, linked);
  const incomplete = finished.flatMap(({ push, outcome }) =>
    outcome.kind === 'succeeded' && push.leftOut.length > 0 ? [push.recordId] : [],
  );
  await settleWaiting(inTenant, integrationId, incomplete);
  // A record that was created again meanwhile did not make those due that were under way.
  const complete = finished.flatMap(({ push, outcome }) =>
    outcome.kind === 'succeeded' && push.leftOut.length === 0 && Object.keys(push.remoteIds).length > 0
      ? [push.recordId]
      : [],
  );
  await endOutdated(inTenant, integrationId, complete);
}
