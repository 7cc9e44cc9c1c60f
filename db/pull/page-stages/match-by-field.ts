/**
 * Matches remote records to local ones by the field that the mapping names as `match_by` (rules.md 13). A
 * match that is not one to one is ambiguous. E-mail addresses match regardless of upper and lower case, other
 * values if the mapping says so.
 */
import { type RawBuilder, sql } from 'kysely';
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
  {
    field,
    ignoresCase,
    records,
  }: { field: string | undefined; ignoresCase: boolean; records: readonly PulledRecord[] },
): Promise<FieldMatches> {
  const wanted = records.flatMap(({ remoteId, fields }) => {
    const value = field === undefined || !Object.hasOwn(fields, field) ? null : (fields[field] ?? null);
    return value === null || value === '' ? [] : [{ remoteId, value, text: textOf(value) }];
  });
  if (field === undefined || wanted.length === 0) return { matched: new Map(), ambiguous: [] };
  await saveCandidates(work, pass, { field, ignoresCase });
  const texts = wanted.map(({ text }) => text);
  const candidates = await findCandidates(work, pass, { texts, ignoresCase });
  const remoteCounts = countEach(texts.map((text) => candidates.get(text)?.key ?? text));

  const matched = new Map<string, string>();
  const ambiguous: AmbiguousMatch[] = [];
  for (const { remoteId, value, text } of wanted) {
    const { key, recordIds: found } = candidates.get(text) ?? { key: text, recordIds: [] };
    const [only] = found;
    if (found.length === 1 && only !== undefined && remoteCounts.get(key) === 1) matched.set(remoteId, only);
    else if (found.length > 0) ambiguous.push({ remoteId, field, value, candidates: found.length });
  }
  return { matched, ambiguous };
}

/** The form in which values are compared; `matchForm` of the domain is the same for values in memory. */
const matchFormOf = (value: RawBuilder<unknown>, ignoresCase: boolean): RawBuilder<string> =>
  ignoresCase
    ? sql`lower(${value})`
    : sql`case when ${value} ~ '^[^ @]+@[^ @]+[.][^ @]+$' then lower(${value}) else ${value} end`;

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
  { field, ignoresCase }: { field: string; ignoresCase: boolean },
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
    select ${tenantId}::uuid, ${syncRunId}::uuid, ${recordType},
      ${matchFormOf(sql`(record.fields ->> ${field})`, ignoresCase)}, record.record_id
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

/** Ids of unlinked records by the value of the remote record, with the form in which it was compared. */
async function findCandidates(
  { trx, tenantId }: TenantWork,
  { integrationId, syncRunId, recordType }: PassKey,
  { texts, ignoresCase }: { texts: string[]; ignoresCase: boolean },
): Promise<ReadonlyMap<string, { key: string; recordIds: string[] }>> {
  const { rows } = await sql<{ value: string; key: string; recordId: string }>`
    select distinct wanted.value, wanted.key, key.record_id
    from (select value, ${matchFormOf(sql`value`, ignoresCase)} as key
          from unnest(${texts}::text[]) as text(value)) as wanted
    cross join lateral (
      select record_id from match_keys
      where tenant_id = ${opaqueToPlanner(tenantId)} and sync_run_id = ${opaqueToPlanner(syncRunId)}
        and record_type = ${recordType} and value = wanted.key limit 20) key
    left join lateral (
      select record_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = key.record_id limit 1) link on true
    where link.record_id is null`.execute(trx);
  const found = new Map<string, { key: string; recordIds: string[] }>();
  for (const { value, key, recordId } of rows)
    found.set(value, { key, recordIds: [...(found.get(value)?.recordIds ?? []), recordId] });
  return found;
}
