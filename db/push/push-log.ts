/** The push log: what was sent, why the push started, whose change it was, and the result (rules.md 4). */
import type { Selectable } from 'kysely';
import type { TenantWork } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { inIndexOrder } from '../sql/index-order';
import type { PushesTable } from '../tables/records';

export type LoggedPush = Omit<Selectable<PushesTable>, 'tenantId' | 'payload'> & {
  recordType: string;
  externalId: string;
};
export type PushWithPayload = LoggedPush & Pick<Selectable<PushesTable>, 'payload'>;

function selectPushes({ trx, tenantId }: TenantWork) {
  return trx
    .selectFrom('pushes as push')
    .innerJoinLateral(
      // One at a time, in the order of the page.
      (from) =>
        from
          .selectFrom('records')
          .select(['recordType', 'externalId'])
          .where('tenantId', '=', opaqueToPlanner(tenantId))
          .whereRef('recordId', '=', 'push.recordId')
          .limit(1)
          .as('record'),
      (join) => join.onTrue(),
    )
    .select([
      'push.pushId',
      'push.integrationId',
      'push.recordId',
      'push.recordVersion',
      'push.mappingVersion',
      'push.operation',
      'push.startedBecause',
      'push.changedFields',
      'push.changedBy',
      'push.result',
      'push.effect',
      'push.remoteId',
      'push.errors',
      'push.attempts',
      'push.startedAt',
      'push.lastAttemptAt',
      'push.finishedAt',
      'record.recordType',
      'record.externalId',
    ])
    .where('push.tenantId', '=', tenantId);
}

/** The newest first. */
export async function listPushes(
  work: TenantWork,
  {
    integrationId,
    recordId,
    result,
    limit,
    before,
  }: {
    integrationId?: string | undefined;
    recordId?: string | undefined;
    result?: LoggedPush['result'] | undefined;
    limit: number;
    before?: string | undefined;
  },
): Promise<LoggedPush[]> {
  let query = selectPushes(work);
  if (integrationId !== undefined) query = query.where('push.integrationId', '=', integrationId);
  if (recordId !== undefined) query = query.where('push.recordId', '=', recordId);
  if (result !== undefined) query = query.where('push.result', result === null ? 'is' : '=', result);
  if (before !== undefined) query = query.where('push.pushId', '<', before);
  return inIndexOrder(work, () => query.orderBy('push.pushId', 'desc').limit(limit).execute());
}

/** One push with its payload. */
export async function findPush(
  work: TenantWork,
  { pushId }: { pushId: string },
): Promise<PushWithPayload | undefined> {
  return selectPushes(work).select('push.payload').where('push.pushId', '=', pushId).executeTakeFirst();
}
