/**
 * Records with a filled field that is suddenly empty at the third party (rules.md 53). They wait until the
 * end of the pass; more of them than the safety threshold wait for approval.
 */
import { sql } from 'kysely';
import { exceedsBrake } from '../../domain/brakes/brake';
import { brakeOf } from '../../domain/records/record-type-settings';
import type { TenantWork } from '../database';
import { findIntegration } from '../integrations/integrations';
import { opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { createReview, resolveIfDecided, supersedeReviews } from './deletion-reviews';
import type { PageChanges, PageToApply, PassKey } from './page';

/** Keeps what a page would empty. A record that is no longer emptied does not wait any more. */
export async function holdEmptied(
  { trx, tenantId, now }: TenantWork,
  { integrationId, recordType }: PageToApply,
  { emptied = [], drafts, unchanged }: PageChanges,
): Promise<void> {
  const held = new Set(emptied.map(({ recordId }) => recordId));
  const seen = [...unchanged, ...drafts.map(({ draft }) => draft.recordId)].filter((id) => !held.has(id));
  await sql`
    delete from emptied_records
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
      and record_id = any(${seen}::uuid[]) and remote is not null`.execute(trx);
  if (emptied.length === 0) return;
  const rows = emptied.map(({ recordId, fields, remote }) => ({
    record_id: recordId,
    fields,
    // Its fields are read from its text when they are needed, so a copy has none.
    remote: { ...remote, fields: remote.fields },
  }));
  await sql`
    insert into emptied_records (tenant_id, integration_id, record_type, record_id, fields, remote, at)
    select ${tenantId}::uuid, ${integrationId}::uuid, ${recordType}::text, record_id, fields, remote, ${now}::timestamptz
    from ${rowsFrom(rows, 'record_id uuid, fields text[], remote jsonb')}
    on conflict (tenant_id, integration_id, record_type, record_id)
      do update set fields = excluded.fields, remote = excluded.remote, at = excluded.at`.execute(trx);
}

/**
 * Decides at the end of a pass. Fields above the threshold wait for approval, in one review per record type.
 * @param held all linked records of the type; not counted if nothing waits. @returns these fields.
 */
export async function planEmptied(work: TenantWork, pass: PassKey, held: number): Promise<string[]> {
  await supersedeReviews(work, { ...pass, kind: 'empty' });
  const fields = await findFieldsAboveThreshold(work, pass, held);
  if (fields.length > 0) await parkEmptied(work, pass, { fields, held });
  else await resolveIfDecided(work, pass);
  return fields;
}

async function findFieldsAboveThreshold(work: TenantWork, pass: PassKey, held: number): Promise<string[]> {
  const { trx, tenantId, now } = work;
  const { integrationId, recordType } = pass;
  const integration = await findIntegration(work, pass);
  const brake = brakeOf(integration?.typeSettings ?? {}, recordType, 'pull_empty');
  const since = new Date(now.getTime() - brake.windowHours * 3_600_000);
  await sql`
    delete from emptied_records emptied
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
      and not exists (
        select from record_links link where link.tenant_id = ${opaqueToPlanner(tenantId)}
          and link.integration_id = ${opaqueToPlanner(integrationId)} and link.record_id = emptied.record_id)`.execute(
    trx,
  );
  const { rows } = await sql<{ field: string; now: number; earlier: number }>`
    select field, count(*) filter (where remote is not null) as now,
      count(*) filter (where remote is null and at > ${since}) as earlier
    from emptied_records, unnest(fields) as field
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
    group by field order by field`.execute(trx);
  if (rows.every((row) => row.now === 0)) return [];
  const above = rows.filter((row) => exceedsBrake(brake, { ...row, held }));
  return above.map(({ field }) => field);
}

async function parkEmptied(
  work: TenantWork,
  pass: PassKey,
  { fields, held }: { fields: string[]; held: number },
): Promise<void> {
  const { trx, tenantId } = work;
  const { integrationId, recordType } = pass;
  const { count } = await trx
    .selectFrom('emptiedRecords')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', '=', recordType)
    .where('remote', 'is not', null)
    .where(sql<boolean>`fields && ${fields}::text[]`)
    .executeTakeFirstOrThrow();
  const detail =
    `${fields.join(', ')}: suddenly empty in ${count} of ${held} ${recordType} at the third party. ` +
    'Syncline emptied nothing: approve or discard the changes.';
  await createReview(work, pass, {
    kind: 'empty',
    fields,
    recordsMissing: count,
    recordsBefore: held,
    detail,
  });
}
