/**
 * Operations: a requested overview or Sync Now, until the requester has got the response or a notification
 * (rules.md 18). Several operations may wait for the same run.
 */
import { type Selectable, sql } from 'kysely';
import {
  INVALIDITY_TEXTS,
  type OperationKind,
  type OverviewInvalidity,
} from '../../domain/overviews/overview';
import type { RunState } from '../../domain/sync-runs/sync-run';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { notifyPerson } from './notifications';
import type { OperationsTable } from '../tables/notifications';

export type Operation = Selectable<OperationsTable>;

/**
 * A response that was being sent when the work ended has arrived by then. Without one the requester is
 * notified.
 */
const ANSWERED_WITHIN_MS = 5_000;

export interface NewOperation {
  kind: OperationKind;
  integrationId: string;
  overviewId?: string;
  syncRunId?: string;
  requestedBy: string;
  personId: string | null;
}

/** @returns the operation's id. */
export async function addOperation(
  { trx, tenantId, now }: TenantWork,
  { overviewId, syncRunId, ...operation }: NewOperation,
): Promise<string> {
  const operationId = newUuid();
  await trx
    .insertInto('operations')
    .values({
      ...operation,
      tenantId,
      operationId,
      overviewId: overviewId ?? null,
      syncRunId: syncRunId ?? null,
      requestedAt: now,
      endedAt: null,
      answeredAt: null,
    })
    .execute();
  return operationId;
}

export async function findOperation(
  { trx, tenantId }: TenantWork,
  { operationId }: { operationId: string },
): Promise<Operation | undefined> {
  return trx
    .selectFrom('operations')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('operationId', '=', operationId)
    .executeTakeFirst();
}

/**
 * The response with the result is being sent, so the person needs no notification, however often they
 * requested the same work.
 */
export async function markAnswered(
  { trx, tenantId, now }: TenantWork,
  { operationId }: { operationId: string },
): Promise<void> {
  await sql`
    update operations set answered_at = ${now} from operations answered
    where answered.tenant_id = ${tenantId} and answered.operation_id = ${operationId} and
      operations.tenant_id = answered.tenant_id and operations.answered_at is null
      and (operations.operation_id = answered.operation_id
        or (operations.person_id = answered.person_id and operations.ended_at is not null
          and (operations.sync_run_id = answered.sync_run_id
            or operations.overview_id = answered.overview_id)))`.execute(trx);
}

export interface EndOfWork {
  integrationId: string;
  overviewId?: string;
  syncRunId?: string;
  outcome: RunState | 'ready';
  /** The reason why an overview was canceled. */
  reason?: OverviewInvalidity;
}

/**
 * The work ends in this transaction: requests that wait are answered, and other requesters are notified
 * shortly after.
 */
export async function endOperations(
  work: TenantWork,
  { integrationId, overviewId, syncRunId, outcome, reason }: EndOfWork,
): Promise<void> {
  const { trx, tenantId, now } = work;
  const ended = await trx
    .updateTable('operations')
    .set({ endedAt: now })
    .where('tenantId', '=', tenantId)
    .where(overviewId === undefined ? 'syncRunId' : 'overviewId', '=', overviewId ?? syncRunId ?? null)
    .where('endedAt', 'is', null)
    .returning(['operationId', 'personId'])
    .execute();
  const kind =
    outcome === 'ready'
      ? 'sync_overview_ready'
      : outcome === 'succeeded' || outcome === 'partially_succeeded'
        ? 'sync_complete'
        : 'sync_could_not_finish';
  // Once per person, however often they requested it.
  const requesters = new Map(
    ended.flatMap(({ operationId, personId }) =>
      personId === null ? [] : [[personId, operationId] as const],
    ),
  );
  for (const [personId, operationId] of requesters) {
    await notifyPerson(work, {
      kind,
      personId,
      operationId,
      integrationId,
      overviewId: overviewId ?? null,
      syncRunId: syncRunId ?? null,
      detail: reason === undefined ? (DETAILS[outcome] ?? '') : INVALIDITY_TEXTS[reason],
      revealAt: new Date(now.getTime() + ANSWERED_WITHIN_MS),
    });
  }
}

const DETAILS: Partial<Record<EndOfWork['outcome'], string>> = {
  ready:
    'The preview of the changes is ready. It is valid for 7 days, until a newer overview is requested ' +
    'or a sync runs.',
  succeeded: 'Everything was synced.',
  partially_succeeded: 'Some records could not be synced: the Sync Log shows which and why.',
  failed: 'The work could not be finished. Open the notification to see the error.',
  canceled: 'The work was canceled. The Sync Log shows who canceled it and what was done before.',
};
