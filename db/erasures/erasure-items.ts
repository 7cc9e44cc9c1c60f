/** The records of an erasure: finding them, and what other rows may name them by. */
import { sql } from 'kysely';
import { type ErasedRecord, Redaction } from '../../domain/erasures/redaction';
import { textsIn } from '../../domain/erasures/written-forms';
import type { JsonObject, JsonValue } from '../../domain/json';
import { pushJobOf } from '../../domain/overviews/overview';
import type { TenantWork } from '../database';
import { FIRST_ID, toTypeId } from '../sql/ids';
import { inIndexOrder } from '../sql/index-order';
import type { ErasedLink, ErasureAtThirdParty, ErasureSearch } from '../tables/erasures';
import { canonicalEmail, isEmailAddress } from '../tenants/email-address';

/** Of one erasure. A search for an address that many records have ends there. */
export const ERASURE_RECORDS_MAX = 1_000;
/** Values of one record that are searched in other rows. */
const TEXTS_MAX = 200;
/** Records read at once for an address that PostgreSQL cannot compare. */
const COMPARED_HERE_MAX = 200;

export interface ErasureKey {
  erasureId: string;
}

/** @returns the ids of the named records that exist. */
export async function findNamed(
  { trx, tenantId }: TenantWork,
  { recordIds = [], records = [] }: ErasureSearch,
): Promise<string[]> {
  const { rows } = await sql<{ recordId: string }>`
    select record_id from records where tenant_id = ${tenantId} and record_id = any(${recordIds}::uuid[])
    union
    select record.record_id
    from unnest(${records.map((one) => one.recordType)}::text[],
      ${records.map((one) => one.externalId)}::text[]) as named(record_type, external_id)
    join records record on record.tenant_id = ${tenantId} and record.record_type = named.record_type
      and record.external_id = named.external_id`.execute(trx);
  return rows.map(({ recordId }) => recordId);
}

/**
 * Looks for an e-mail address in the next `limit` records, however its letters are composed and its domain is
 * written. PostgreSQL compares neither: of other addresses than plain ones it only knows the sign.
 * @returns those that have it as a value, and where to continue; null = that was the end.
 */
export async function findByEmail(
  work: TenantWork,
  { email, after, limit }: { email: string; after: string | null; limit: number },
): Promise<{ recordIds: string[]; after: string | null }> {
  const wanted = canonicalEmail(email);
  const isPlain = /^[\0-\u007F]*$/.test(wanted) && !wanted.includes('xn--');
  const part = isPlain ? wanted : '@';
  const read = isPlain ? limit : Math.min(limit, COMPARED_HERE_MAX);
  const isWanted = (text: string): boolean =>
    text.toLowerCase() === email.toLowerCase() || (isEmailAddress(text) && canonicalEmail(text) === wanted);
  const { rows } = await inIndexOrder(work, () =>
    sql<{ recordId: string; fields: JsonObject | null }>`
      select record_id, case when strpos(lower(fields::text), ${part}) > 0 then fields end as fields
      from (select record_id, fields from records
        where tenant_id = ${work.tenantId} and record_id > ${after ?? FIRST_ID}::uuid
        order by record_id limit ${read}) chunk order by record_id`.execute(work.trx),
  );
  const recordIds = rows
    .filter(({ fields }) => textsIn(fields ?? {}).some((text) => isWanted(text.trim())))
    .map(({ recordId }) => recordId);
  return { recordIds, after: rows.length < read ? null : (rows.at(-1)?.recordId ?? null) };
}

/** Adds records to an erasure, or reads again by what other rows may name them. */
export async function describeItems(
  { trx, tenantId }: TenantWork,
  { erasureId }: ErasureKey,
  recordIds: readonly string[],
): Promise<void> {
  const { rows } = await sql<{ recordId: string; links: ErasedLink[]; values: JsonValue[] }>`
    select record.record_id,
      (select coalesce(jsonb_agg(jsonb_build_object('integrationId', integration_id, 'remoteId', remote_id)), '[]')
        from record_links link where link.tenant_id = ${tenantId} and link.record_id = record.record_id
          and link.integration_id in (select integration_id from integrations where tenant_id = ${tenantId})
      ) as links,
      jsonb_build_array(record.fields,
        (select jsonb_agg(jsonb_build_array(agreed, notation)) from record_links link
          where link.tenant_id = ${tenantId} and link.record_id = record.record_id
            and link.integration_id in (select integration_id from integrations where tenant_id = ${tenantId})),
        (select jsonb_agg(payload) from (select payload from pushes
          where pushes.tenant_id = ${tenantId} and pushes.record_id = record.record_id
          order by push_id desc limit 100) latest)) as values
    from records record
    where record.tenant_id = ${tenantId} and record.record_id = any(${recordIds}::uuid[])`.execute(trx);
  for (const { recordId, links, values } of rows) {
    const remoteIds = links.map(({ remoteId }) => remoteId);
    const texts = [...new Set(textsIn(values))].slice(0, TEXTS_MAX);
    await sql`
      insert into erasure_items as item (tenant_id, erasure_id, record_id, record_type, external_id, remote_ids,
        links, texts)
      select tenant_id, ${erasureId}, record_id, record_type, external_id, ${remoteIds}::text[],
        ${JSON.stringify(links)}::jsonb, ${texts}::text[]
      from records where tenant_id = ${tenantId} and record_id = ${recordId}
      on conflict (tenant_id, erasure_id, record_id) do update set
        remote_ids = array(select distinct unnest(item.remote_ids || excluded.remote_ids)),
        links = (select coalesce(jsonb_agg(distinct link), '[]')
          from jsonb_array_elements(item.links || excluded.links) as all_of_them(link)),
        texts = array(select distinct unnest(item.texts || excluded.texts))`.execute(trx);
  }
}

type ErasedItem = ErasedRecord & { links: readonly ErasedLink[] };

export class ErasureItems {
  readonly recordIds: readonly string[];
  private readonly redactions = new Map<string | null, Redaction>();

  /** @param words texts that are erased although no record may have them. */
  constructor(
    readonly records: readonly (ErasedItem & { recordId: string })[],
    private readonly words: readonly string[] = [],
  ) {
    this.recordIds = records.map(({ recordId }) => recordId);
  }

  /**
   * The redaction of rows of an integration, in which a remote id is one of this integration; null = of all
   * other rows. A remote id whose integration is not known is redacted in all rows.
   */
  redactionAt(integrationId: string | null): Redaction {
    const existing = this.redactions.get(integrationId);
    if (existing !== undefined) return existing;
    const redaction = new Redaction(
      this.records.map((record) => ({
        ...record,
        remoteIds: record.remoteIds.filter((remoteId) =>
          integrationsOf(record, remoteId).some(
            (one) => one === null || integrationId === null || one === integrationId,
          ),
        ),
      })),
      this.words,
    );
    this.redactions.set(integrationId, redaction);
    return redaction;
  }

  /** `integrationId` null: any. Jobs that push call records by their external ids. */
  get remoteNames(): { recordType: string; name: string; integrationId: string | null }[] {
    return this.records.flatMap((record) => [
      { recordType: pushJobOf(record.recordType), name: record.externalId, integrationId: null },
      ...record.remoteIds.flatMap((name) =>
        integrationsOf(record, name).map((integrationId) => ({
          recordType: record.recordType,
          name,
          integrationId,
        })),
      ),
    ]);
  }
}

function integrationsOf({ links }: ErasedItem, remoteId: string): (string | null)[] {
  const found = links.filter((link) => link.remoteId === remoteId).map((link) => link.integrationId);
  return found.length > 0 ? found : [null];
}

export async function readItems(
  { trx, tenantId }: TenantWork,
  { erasureId, search: { email } }: ErasureKey & { search: ErasureSearch },
): Promise<ErasureItems> {
  const rows = await trx
    .selectFrom('erasureItems')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('erasureId', '=', erasureId)
    .orderBy('recordId')
    .execute();
  return new ErasureItems(
    rows.map((row) => ({ ...row, id: toTypeId('rec', row.recordId) })),
    email === undefined ? [] : [...new Set([email, canonicalEmail(email)])],
  );
}

/** The integrations at which records of the erasure exist or will be pushed. */
export async function findThirdParties(
  { trx, tenantId }: TenantWork,
  recordIds: readonly string[],
): Promise<ErasureAtThirdParty[]> {
  const { rows } = await sql<{ integrationId: string; records: number }>`
    select integration_id, count(distinct record_id)::int as records from (
      select integration_id, record_id from record_syncs
      where tenant_id = ${tenantId} and record_id = any(${recordIds}::uuid[])
      union all
      select link.integration_id, link.record_id from integrations integration
      join record_links link on link.tenant_id = integration.tenant_id
        and link.integration_id = integration.integration_id and link.record_id = any(${recordIds}::uuid[])
      where integration.tenant_id = ${tenantId}) there
    group by integration_id order by integration_id`.execute(trx);
  return rows.map((row) => ({ ...row, action: 'keep', succeeded: 0, failed: 0, unanswered: 0 }));
}
