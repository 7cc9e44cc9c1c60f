/**
 * Mappings of SCIM no longer name members of lists by position, because SCIM lists have no order.
 * `/emails/0/value` beside a constant `/emails/0/type` of "work" becomes `emails[type eq "work"].value`, and
 * `emails[primary eq true].value` without such a constant. A second position without a constant type stays as
 * it is; the API asks for a selector at the next change of the mapping.
 */
import { type Kysely, sql } from 'kysely';

interface Field {
  name?: string;
  to: string;
  constant?: unknown;
}

export async function up(db: Kysely<unknown>): Promise<void> {
  // Not even the owner sees the rows of all tenants otherwise.
  await sql`alter table integrations no force row level security`.execute(db);
  const { rows } = await sql<{ id: string; tenant: string; types: Record<string, { fields?: Field[] }> }>`
    select integration_id as id, tenant_id as tenant, record_types as types from integrations
    where connector = 'scim'`.execute(db);
  for (const { id, tenant, types } of rows) {
    const selected = Object.fromEntries(
      Object.entries(types).map(([name, type]) => [
        name,
        { ...type, ...(type.fields === undefined ? {} : { fields: withSelectors(type.fields) }) },
      ]),
    );
    if (JSON.stringify(selected) !== JSON.stringify(types))
      await sql`update integrations set record_types = ${JSON.stringify(selected)}::jsonb
        where tenant_id = ${tenant} and integration_id = ${id}`.execute(db);
  }
  await sql`alter table integrations force row level security`.execute(db);
}

/** A place in a list: `/emails/0/value` is the member `/emails/0` and the rest `value`. */
const IN_LIST = /^(\/(?:urn:[^/]*\/)?[^/]+\/\d+)\/(.+)$/i;

function withSelectors(fields: readonly Field[]): Field[] {
  const selectors = new Map<string, string | undefined>();
  for (const { to } of fields) {
    const [, member] = IN_LIST.exec(to) ?? [];
    if (member === undefined || selectors.has(member)) continue;
    const type = fields.find((field) => field.to === `${member}/type`)?.constant;
    const path = pathOf(member);
    const selector =
      typeof type === 'string' ? `${path}[type eq ${JSON.stringify(type)}]` : `${path}[primary eq true]`;
    selectors.set(member, [...selectors.values()].includes(selector) ? undefined : selector);
  }
  return fields.flatMap((field) => {
    const [, member, rest] = IN_LIST.exec(field.to) ?? [];
    const selector = member === undefined ? undefined : selectors.get(member);
    if (selector === undefined || rest === undefined) return [field];
    const selecting = selector.includes('[type eq') ? 'type' : 'primary';
    if (rest === selecting && field.constant !== undefined) return [];
    return [{ ...field, to: `${selector}.${rest.replaceAll('/', '.')}` }];
  });
}

/** `/emails/0` is `emails`; a schema is followed by a colon (RFC 7644 3.10). */
function pathOf(member: string): string {
  const names = member.split('/').slice(1, -1);
  return names.join(':');
}
