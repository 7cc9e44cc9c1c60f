/**
 * Records with a filled field that is suddenly empty at the third party (rules.md 53). They wait until the
 * end of the pass; more of them than the safety threshold wait for approval.
 */
import { sql } from 'kysely';
import { type BrakeSetting, exceedsBrake } from '../../domain/brakes/brake';
import { brakeOf } from '../../domain/records/record-type-settings';
import type { TenantWork } from '../database';
import { findIntegration } from '../integrations/integrations';
import { opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { FIRST_ID } from '../sql/ids';
import type { InTenant } from './comparison/seen-ids';
import { createReview, resolveIfDecided, supersedeReviews } from './deletion-reviews';
import type { PageChanges, PageToApply, PassKey } from './page';

const ROWS_PER_CHUNK = 5_000;

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

/** At the end of most passes: earlier reviews are over. @returns false if records were emptied lately. */
export async function endWithoutEmptied(work: TenantWork, pass: PassKey): Promise<boolean> {
  const { integrationId, recordType } = pass;
  const { rows } = await sql`
    select from emptied_records where tenant_id = ${work.tenantId} and integration_id = ${integrationId}
      and record_type = ${recordType} limit 1`.execute(work.trx);
  if (rows.length > 0) return false;
  await supersedeReviews(work, { ...pass, kind: 'empty' });
  await resolveIfDecided(work, pass);
  return true;
}

/**
 * Decides at the end of a pass, in several transactions. Fields above the threshold wait for approval, in one
 * review per record type. Safe to repeat.
 * @param options.held all linked records of the type; 0 if nothing waits. @returns these fields.
 */
export async function planEmptied(
  inTenant: InTenant,
  pass: PassKey,
  { held, rowsPerChunk = ROWS_PER_CHUNK }: { held: number; rowsPerChunk?: number },
): Promise<string[]> {
  const brake = await inTenant(async (work) => {
    await supersedeReviews(work, { ...pass, kind: 'empty' });
    const integration = await findIntegration(work, pass);
    return brakeOf(integration?.typeSettings ?? {}, pass.recordType, 'pull_empty');
  });
  const counts = new Map<string, { now: number; earlier: number }>();
  await walkEmptied(inTenant, pass, { ...brake, rowsPerChunk }, ({ fields, waits }) => {
    for (const field of fields) {
      const count = counts.get(field) ?? { now: 0, earlier: 0 };
      counts.set(field, count);
      count[waits ? 'now' : 'earlier'] += 1;
    }
  });
  const above = [...counts].filter(([, count]) => exceedsBrake(brake, { ...count, held }));
  const fields = above.map(([field]) => field).toSorted();
  let count = 0;
  if (fields.length > 0)
    await walkEmptied(inTenant, pass, { ...brake, rowsPerChunk }, (row) => {
      if (row.waits && row.fields.some((field) => fields.includes(field))) count += 1;
    });
  await inTenant((work) =>
    count > 0 ? parkEmptied(work, pass, { fields, count, held }) : resolveIfDecided(work, pass),
  );
  return fields;
}

interface EmptiedRow {
  recordId: string;
  fields: string[];
  /** Not applied yet. */
  waits: boolean;
}

/** All emptied records of the type that count. Those that no longer do are removed. */
async function walkEmptied(
  inTenant: InTenant,
  pass: PassKey,
  counted: Counted,
  visit: (row: EmptiedRow) => void,
): Promise<void> {
  let after: string | null = FIRST_ID;
  while (after !== null) {
    const place: string = after;
    const chunk: EmptiedChunk = await inTenant((work) => readChunk(work, pass, { ...counted, after: place }));
    chunk.rows.forEach(visit);
    after = chunk.next;
  }
}

type Counted = Pick<BrakeSetting, 'windowHours'> & { rowsPerChunk: number };

interface EmptiedChunk {
  rows: EmptiedRow[];
  next: string | null;
}

async function readChunk(
  { trx, tenantId, now }: TenantWork,
  { integrationId, recordType }: PassKey,
  { windowHours, rowsPerChunk, after }: Counted & { after: string },
): Promise<EmptiedChunk> {
  const since = new Date(now.getTime() - windowHours * 3_600_000);
  const ofType = sql`tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}`;
  const { rows } = await sql<EmptiedRow & { counts: boolean }>`
    select emptied.record_id, fields, remote is not null as waits,
      link.record_id is not null and (remote is not null or at > ${since}) as counts
    from (
      select record_id, fields, remote, at from emptied_records
      where ${ofType} and record_id > ${after}::uuid order by record_id limit ${rowsPerChunk}) emptied
    left join lateral (
      select record_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = emptied.record_id limit 1) link on true
    order by emptied.record_id`.execute(trx);
  const past = rows.filter(({ counts }) => !counts).map(({ recordId }) => recordId);
  if (past.length > 0)
    await sql`delete from emptied_records where ${ofType} and record_id = any(${past}::uuid[])`.execute(trx);
  return {
    rows: rows.filter(({ counts }) => counts),
    next: rows.length < rowsPerChunk ? null : (rows.at(-1)?.recordId ?? null),
  };
}

async function parkEmptied(
  work: TenantWork,
  pass: PassKey,
  { fields, count, held }: { fields: string[]; count: number; held: number },
): Promise<void> {
  const detail =
    `${fields.join(', ')}: suddenly empty in ${count} of ${held} ${pass.recordType} at the third party. ` +
    'Syncline emptied nothing: approve or discard the changes.';
  await createReview(work, pass, {
    kind: 'empty',
    fields,
    recordsMissing: count,
    recordsBefore: held,
    detail,
  });
}
