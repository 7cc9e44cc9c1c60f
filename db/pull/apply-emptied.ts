/** Applies records with emptied fields, at the end of their pass or when they are approved (rules.md 53). */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { findIntegration } from '../integrations/integrations';
import { raiseConflicts } from '../records/conflicts';
import { withoutErased } from '../records/erased-records';
import { lockMappings } from '../records/mapping-lock';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { FIRST_ID } from '../sql/ids';
import { inIndexOrder } from '../sql/index-order';
import { emitPageEvents } from './page-stages/emit-page-events';
import { matchRecords } from './page-stages/match-records';
import { mergePage } from './page-stages/merge-page';
import { resolvePromises, writePromises } from './page-stages/page-promises';
import { writeChanges } from './page-stages/write-changes';
import {
  type PageToApply,
  type PassKey,
  PUSH_RECORDED_WITHIN_MS,
  type PulledRecord,
  pullTargetOf,
} from './page';
import { checkForInterruption } from './pass-state';

interface WaitingRecord {
  recordId: string;
  remote: Omit<PulledRecord, 'modifiedAt'> & { modifiedAt?: string | null };
}

interface Emptied {
  limit: number;
  /** The last record of the step before; null = from the beginning. */
  after: string | null;
  /** Records with one of these fields only; undefined = all. */
  only?: readonly string[] | undefined;
  /** No record with one of these fields. */
  except?: readonly string[];
  /** Approved ones do not count within the window. */
  isApproved?: boolean;
}

/**
 * Records that were erased meanwhile are left out.
 * @returns how many records it handled, and the last of them. Fewer than `limit` = no more are left. Rows of
 * applied records remain in the table for a while, so the next step must begin after the last one.
 */
export async function applyEmptied(
  work: TenantWork,
  pass: PassKey,
  emptied: Emptied,
): Promise<{ handled: number; last: string | null }> {
  await lockMappings(work, 'shared');
  const waiting = await selectWaiting(work, pass, emptied);
  const integration = await findIntegration(work, pass);
  if (waiting.length === 0 || integration?.recordTypes[pass.recordType] === undefined)
    return { handled: 0, last: null };
  const page = await withoutErased<PageToApply>(work, {
    ...pullTargetOf(integration, pass.recordType),
    syncRunId: pass.syncRunId,
    overviewId: null,
    pagesBefore: 0,
    records: waiting.map(({ remote: { modifiedAt, ...remote } }) => ({
      ...remote,
      ...(modifiedAt == null ? {} : { modifiedAt: new Date(modifiedAt) }),
    })),
    tombstones: [],
    refused: [],
    altered: [],
    nextCursor: null,
    asOf: null,
    total: null,
    requestedAt: work.now,
    appliesEmptied: true,
  });
  const matches = await matchRecords(work, page);
  const known = { ...page, records: await resolvePromises(work, page, matches) };
  const changes = await mergePage(work, known, matches);
  const opensWindows = await writeChanges(work, page, changes);
  await writePromises(work, page, changes);
  await raiseConflicts(work, page, changes.conflicts);
  const recordIds = waiting.map(({ recordId }) => recordId);
  await (emptied.isApproved === true ? forgetEmptied : markApplied)(work, pass, recordIds);
  const touched = changes.drafts.filter(({ draft }) => draft.isTouched).length;
  await countChanged(work, pass, touched);
  await emitPageEvents(work, page, await checkForInterruption(work, pass), changes, { opensWindows });
  return { handled: waiting.length, last: recordIds.at(-1) ?? null };
}

/** A push makes the copy outdated: the record keeps waiting until it is read again. */
async function selectWaiting(
  work: TenantWork,
  { integrationId, recordType }: PassKey,
  { limit, after, only, except = [] }: Emptied,
): Promise<WaitingRecord[]> {
  const { trx, tenantId } = work;
  const next = sql<WaitingRecord>`
    select emptied.record_id, emptied.remote from emptied_records emptied
    cross join lateral (
      select from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = emptied.record_id and remote_id = emptied.remote ->> 'remoteId'
        and (remote_hash is not null
          or updated_at < emptied.at - make_interval(secs => ${PUSH_RECORDED_WITHIN_MS / 1_000}))
      limit 1) link
    where emptied.tenant_id = ${tenantId} and emptied.integration_id = ${integrationId}
      and emptied.record_type = ${recordType} and emptied.record_id > ${after ?? FIRST_ID}::uuid
      and emptied.remote is not null
      and not emptied.fields && ${[...except]}::text[]
      and (${only === undefined}::boolean or emptied.fields && ${[...(only ?? [])]}::text[])
    order by emptied.record_id limit ${limit}`;
  return (await inIndexOrder(work, () => next.execute(trx))).rows;
}

/** They stay, as what was emptied within the window. */
async function markApplied(
  { trx, tenantId, now }: TenantWork,
  { integrationId, recordType }: PassKey,
  recordIds: string[],
): Promise<void> {
  await trx
    .updateTable('emptiedRecords')
    .set({ remote: null, at: now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', '=', recordType)
    .where('recordId', 'in', recordIds)
    .execute();
}

async function forgetEmptied(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: PassKey,
  recordIds: string[],
): Promise<void> {
  await trx
    .deleteFrom('emptiedRecords')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', '=', recordType)
    .where('recordId', 'in', recordIds)
    .execute();
}

/** Until now they counted as unchanged. */
async function countChanged(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType }: PassKey,
  count: number,
): Promise<void> {
  await trx
    .updateTable('syncJobs')
    .set((eb) => ({
      recordsChanged: eb('recordsChanged', '+', count),
      recordsUnchanged: eb('recordsUnchanged', '-', count),
    }))
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .where('finishedAt', 'is', null)
    .execute();
}
