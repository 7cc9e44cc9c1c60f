/**
 * Keeps promises: once a record here is linked to the record of the third party that a pulled field names,
 * the field takes its id, as a change that was pulled (docs/decisions/0033).
 */
import { sql } from 'kysely';
import type { RecordTypeMapping, RecordTypeMappings } from '../../../domain/records/mapping';
import { pullsType } from '../../../domain/records/mapping-directions';
import { referenceFields, referredKey, referringTypes } from '../../../domain/records/references';
import type { TenantWork } from '../../database';
import { findOurIds } from '../../records/references/find-ids';
import { endWaits } from '../../records/references/end-waits';
import { opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import { FIRST_ID } from '../../sql/ids';
import { keepPromisesOf } from './apply-kept';

type InTenant = <T>(work: (tenant: TenantWork) => Promise<T>) => Promise<T>;

interface OfIntegration {
  integrationId: string;
  recordTypes: RecordTypeMappings;
}

/** A record of the third party that a record here is linked to now. */
interface Arrived {
  recordType: string;
  remoteId: string;
}

const PROMISES_PER_STEP = 500;

/**
 * After a page: what waited for its records, in both directions, and what its own records promise about
 * records that were linked while the page was written. Safe to repeat.
 */
export async function settlePage(
  inTenant: InTenant,
  integration: OfIntegration,
  recordType: string,
  remoteIds: readonly string[],
): Promise<void> {
  const { integrationId, recordTypes } = integration;
  if (remoteIds.length === 0) return;
  if (isPromising(recordTypes[recordType]))
    await keepOwnPromises(inTenant, integrationId, recordType, remoteIds);
  if (Object.keys(referringTypes(recordTypes, recordType)).length === 0) return;
  const arrived = remoteIds.map((remoteId) => ({ recordType, remoteId }));
  await keepPromisesTo(inTenant, integration, arrived);
  const targets = await inTenant(async (work) => {
    const ids = await findOurIds(
      work,
      integrationId,
      remoteIds.map((id) => ({ recordType, id })),
    );
    return arrived.flatMap((one) => {
      const externalId = ids.get(referredKey({ recordType, id: one.remoteId }));
      return externalId === undefined ? [] : [{ ...one, externalId }];
    });
  });
  await endWaits(inTenant, integrationId, targets);
}

const isPromising = (mapping: RecordTypeMapping | undefined): boolean =>
  mapping !== undefined && pullsType(mapping) && referenceFields(mapping).length > 0;

/** Pages and pushes both search after their own commit, so that no promise is overlooked. */
async function keepOwnPromises(
  inTenant: InTenant,
  integrationId: string,
  recordType: string,
  remoteIds: readonly string[],
): Promise<void> {
  const rows = remoteIds.map((remoteId) => ({ remote_id: remoteId }));
  await inChunks(inTenant, integrationId, ({ tenantId }, after) => {
    const ofIntegration = sql`tenant_id = ${opaqueToPlanner(tenantId)}
      and integration_id = ${opaqueToPlanner(integrationId)}`;
    return sql`
      select link.record_id from ${rowsFrom(rows, 'remote_id text')}
      cross join lateral (
        select record_id from record_links
        where remote_key = hashtextextended(${`${integrationId} ${recordType} `}::text || row.remote_id, 0)
          and ${ofIntegration} and remote_id = row.remote_id and record_id > ${after}::uuid limit 1) link
      cross join lateral (
        select from reference_promises promise
        cross join lateral (
          select from record_links
          where remote_key = hashtextextended(
              ${`${integrationId} `}::text || promise.record_type || ' ' || promise.remote_id, 0)
            and ${ofIntegration} and remote_id = promise.remote_id limit 1) target
        where promise.tenant_id = ${opaqueToPlanner(tenantId)}
          and promise.integration_id = ${opaqueToPlanner(integrationId)} and promise.record_id = link.record_id
        limit 1) linked
      order by record_id limit ${PROMISES_PER_STEP}`;
  });
}

/** In chunks. Safe to repeat. */
export async function keepPromisesTo(
  inTenant: InTenant,
  { integrationId, recordTypes }: OfIntegration,
  arrived: readonly Arrived[],
): Promise<void> {
  const named = arrived.filter(({ recordType }) =>
    Object.values(referringTypes(recordTypes, recordType)).some(isPromising),
  );
  if (named.length === 0) return;
  const rows = named.map(({ recordType, remoteId }) => ({ record_type: recordType, remote_id: remoteId }));
  await inChunks(inTenant, integrationId, ({ tenantId }, after) => {
    const ofTarget = sql`tenant_id = ${opaqueToPlanner(tenantId)}
      and integration_id = ${opaqueToPlanner(integrationId)} and record_type = row.record_type
      and remote_id = row.remote_id and record_id > ${after}::uuid`;
    return sql`
      select promise.record_id from ${rowsFrom(rows, 'record_type text, remote_id text')}
      cross join lateral (
        select record_id from reference_promises where ${ofTarget}
        order by record_id limit ${PROMISES_PER_STEP}) promise
      order by record_id limit ${PROMISES_PER_STEP}`;
  });
}

/**
 * All promises of an integration: those that a worker left open when it died, and those that no longer apply.
 * Only after a full or interrupted pass, because there may be as many promises as ids that are never linked.
 */
export async function keepAllPromises(
  inTenant: InTenant,
  { integrationId, recordTypes }: OfIntegration,
  targetType: string,
): Promise<void> {
  if (!Object.values(referringTypes(recordTypes, targetType)).some(isPromising)) return;
  await inChunks(
    inTenant,
    integrationId,
    ({ tenantId }, after) => sql`
      select record_id from reference_promises where tenant_id = ${opaqueToPlanner(tenantId)}
        and integration_id = ${opaqueToPlanner(integrationId)} and record_id > ${after}::uuid
      order by record_id limit ${PROMISES_PER_STEP}`,
  );
}

type Selection = (work: TenantWork, after: string) => ReturnType<typeof sql>;

async function inChunks(inTenant: InTenant, integrationId: string, select: Selection): Promise<void> {
  let after: string | null = FIRST_ID;
  while (after !== null) {
    const from: string = after;
    after = await inTenant(async (work) => {
      const { rows } = await (select(work, from) as ReturnType<typeof sql<{ recordId: string }>>).execute(
        work.trx,
      );
      const recordIds = [...new Set(rows.map(({ recordId }) => recordId))];
      await keepPromisesOf(work, integrationId, recordIds);
      return rows.length === PROMISES_PER_STEP ? (recordIds.at(-1) ?? null) : null;
    });
  }
}
