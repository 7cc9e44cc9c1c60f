/**
 * Matches remote records to local ones by the field that the mapping names as `match_by` (rules.md 13). A
 * match that is not one to one is ambiguous. E-mail addresses match regardless of upper and lower case, other
 * values if the mapping says so.
 */
import { sql } from 'kysely';
import type { JsonValue } from '../../../domain/json';
import type { TenantWork } from '../../database';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import { candidatesOf, matchFormOf, requireCandidates } from './match-candidates';
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
  await requireCandidates(work, { ...pass, field, ignoresCase });
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

/** As `->>` writes it in SQL. */
const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

function countEach(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
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
        and record_type = ${candidatesOf(recordType)} and value = wanted.key limit 20) key
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
