/**
 * Matches remote records to local ones by the field that the mapping names as `match_by` (rules.md 13). A
 * match that is not one to one is ambiguous.
 */
import { sql } from 'kysely';
import type { JsonValue } from '../../../domain/json';
import type { TenantWork } from '../../database';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import type { AmbiguousMatch, PassKey, PulledRecord } from '../page';

export interface FieldMatches {
  /** Record ids by remote id. */
  matched: ReadonlyMap<string, string>;
  ambiguous: readonly AmbiguousMatch[];
}

export async function matchByField(
  work: TenantWork,
  pass: PassKey,
  { field, records }: { field: string | undefined; records: readonly PulledRecord[] },
): Promise<FieldMatches> {
  const wanted = records.flatMap(({ remoteId, fields }) => {
    const value = field === undefined || !Object.hasOwn(fields, field) ? null : (fields[field] ?? null);
    return value === null || value === '' ? [] : [{ remoteId, value, text: textOf(value) }];
  });
  if (field === undefined || wanted.length === 0) return { matched: new Map(), ambiguous: [] };
  await saveCandidates(work, pass, field);
  const texts = wanted.map(({ text }) => text);
  const candidates = await findCandidates(work, pass, texts);
  const remoteCounts = countEach(texts);

  const matched = new Map<string, string>();
  const ambiguous: AmbiguousMatch[] = [];
  for (const { remoteId, value, text } of wanted) {
    const found = candidates.get(text) ?? [];
    const [only] = found;
    if (found.length === 1 && only !== undefined && remoteCounts.get(text) === 1) matched.set(remoteId, only);
    else if (found.length > 0) ambiguous.push({ remoteId, field, value, candidates: found.length });
  }
  return { matched, ambiguous };
}

/** As `->>` writes it in SQL. */
const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

function countEach(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** Stores the match field of every record that is not linked yet, once per pass. */
async function saveCandidates(
  { trx, tenantId }: TenantWork,
  { integrationId, syncRunId, recordType }: PassKey,
  field: string,
): Promise<void> {
  const { rows } = await sql<{ areSaved: boolean }>`
    select exists (
      select from match_keys
      where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType}) as are_saved`.execute(
    trx,
  );
  if (rows[0]?.areSaved === true) return;
  await sql`
    insert into match_keys (tenant_id, sync_run_id, record_type, value, record_id)
    select ${tenantId}::uuid, ${syncRunId}::uuid, ${recordType}, record.fields ->> ${field}, record.record_id
    from records record
    where record.tenant_id = ${opaqueToPlanner(tenantId)} and record.record_type = ${recordType}
      and record.deleted_at is null and record.fields ->> ${field} <> ''
      and not exists (
        select from record_links link
        where link.tenant_id = ${opaqueToPlanner(tenantId)} and link.integration_id = ${opaqueToPlanner(integrationId)}
          and link.record_id = record.record_id)
    union all
    -- This row says that the candidates are stored, even where there are none.
    select ${tenantId}::uuid, ${syncRunId}::uuid, ${recordType}, '', ${syncRunId}::uuid`.execute(trx);
}

/** Ids of unlinked records, by the value of their match field. */
async function findCandidates(
  { trx, tenantId }: TenantWork,
  { integrationId, syncRunId, recordType }: PassKey,
  values: string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql<{ value: string; recordId: string }>`
    select distinct wanted.value, key.record_id
    from unnest(${values}::text[]) as wanted(value)
    cross join lateral (
      select record_id from match_keys
      where tenant_id = ${opaqueToPlanner(tenantId)} and sync_run_id = ${opaqueToPlanner(syncRunId)}
        and record_type = ${recordType} and value = wanted.value limit 20) key
    left join lateral (
      select record_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = key.record_id limit 1) link on true
    where link.record_id is null`.execute(trx);
  const found = new Map<string, string[]>();
  for (const { value, recordId } of rows) found.set(value, [...(found.get(value) ?? []), recordId]);
  return found;
}
