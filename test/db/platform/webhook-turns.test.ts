/** Deliveries of an endpoint that receives the events of all tenants (rules.md 59, 60). */
import { sql } from 'kysely';
import { readEndpointQueueStatus } from '../../../db/webhooks/endpoint-queue';
import { disableWaiting } from '../../../db/webhooks/endpoint-health';
import { claimDueDeliveries } from '../../../db/webhooks/claim-deliveries';
import type { Work } from '../../../db/database';
import { newUuid } from '../../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../../db/tables/tenants';
import { openTestDb, type TestDb } from '../given';

let db: TestDb;
let endpointId: string;
let now: Date;
beforeAll(async () => (db = await openTestDb()));
afterAll(() => db.end());
beforeEach(async () => {
  endpointId = newUuid();
  now = new Date();
  await db.superuser(`truncate webhook_deliveries`);
  await db.superuser(`insert into webhook_endpoints (tenant_id, webhook_endpoint_id, url, description, secrets, event_types, version,
      created_at, updated_at)
    values ('${PLATFORM_TENANT_ID}', '${endpointId}', 'https://example.com', '', '[]', null, 1, now(), now())`);
});

/** Due since `secondsAgo`. */
const given = (tenantId: string, count: number, secondsAgo = 60) =>
  db.superuser(`insert into webhook_deliveries (tenant_id, webhook_delivery_id, webhook_endpoint_id, event_id, state,
      trigger, next_attempt_at, created_at)
    select '${tenantId}', uuidv7(), '${endpointId}', uuidv7(), 'pending', 'event',
      now() - interval '${secondsAgo} seconds', now() from generate_series(1, ${count})`);

const optionsOf = (limit: number, afterTenant?: string) => ({
  endpoint: { endpointId, version: 1 },
  claimId: newUuid(),
  now,
  leaseUntil: new Date(now.getTime() + 60_000),
  limit,
  afterTenant,
});

async function claim(limit: number, afterTenant?: string) {
  const { deliveries, lastTenant } = await db.database.withWebhooksRole((work) =>
    claimDueDeliveries(work, optionsOf(limit, afterTenant)),
  );
  const counts: Record<string, number> = {};
  for (const { tenantId } of deliveries) counts[tenantId] = (counts[tenantId] ?? 0) + 1;
  return { counts, lastTenant };
}

it('rule 59: an event of a tenant is delivered while 2,000 older ones of another wait', async () => {
  const [busy, quiet] = [newUuid(), newUuid()];
  await given(busy, 2_000, 600);
  await given(quiet, 1, 1);

  expect((await claim(20)).counts).toEqual({ [busy]: 19, [quiet]: 1 });
});

it('rule 59: each tenant has a turn before one has a second, however many there are', async () => {
  const tenants = Array.from({ length: 30 }, () => newUuid());
  for (const tenant of tenants) await given(tenant, 3);
  const turns: Record<string, number> = {};
  let after: string | undefined;
  for (let claims = 0; claims < 3; claims += 1) {
    const { counts, lastTenant } = await claim(10, after);
    after = lastTenant;
    for (const [tenant, count] of Object.entries(counts)) turns[tenant] = (turns[tenant] ?? 0) + count;
  }

  expect(turns).toEqual(Object.fromEntries(tenants.map((tenant) => [tenant, 1])));
});

it('rule 59: tenants whose deliveries only wait for a retry keep no other from its turn', async () => {
  const tenants = Array.from({ length: 30 }, () => newUuid()).toSorted();
  const [flooding, last] = [tenants[0] as string, tenants[29] as string];
  await given(flooding, 200, 600);
  for (const tenant of tenants.slice(1, 29)) await given(tenant, 1, -3_600);
  await given(last, 1, 1);
  const served: string[] = [];
  let after: string | undefined;
  for (let claims = 0; claims < 4; claims += 1) {
    const { counts, lastTenant } = await claim(10, after);
    after = lastTenant;
    served.push(...Object.keys(counts));
  }

  expect(served).toContain(last);
});

it('rule 60: the waiting deliveries of an endpoint are counted up to a number', async () => {
  await given(newUuid(), 6_000);

  const status = await db.database.withWebhooksRole((work) => readEndpointQueueStatus(work, { endpointId }));

  expect(status).toMatchObject({ pendingDeliveries: 5_000, nextDueAt: expect.any(Date) });
});

it('rule 60: the deliveries of a disabled endpoint end in chunks, and none if it is enabled meanwhile', async () => {
  await given(newUuid(), 2_500);
  const disableSome = () => db.database.withWebhooksRole((work) => disableWaiting(work, { endpointId, now }));
  const waiting = async () =>
    (await db.superuser('select from webhook_deliveries where next_attempt_at is not null')).length;
  const set = (column: string) =>
    db.superuser(
      `update webhook_endpoints set disabled_at = ${column} where webhook_endpoint_id = '${endpointId}'`,
    );

  expect([await disableSome(), await waiting()]).toEqual(['done', 2_500]);
  await set('now()');
  expect([await disableSome(), await waiting()]).toEqual(['more', 1_500]);
  await set('null');
  expect([await disableSome(), await waiting()]).toEqual(['done', 1_500]);
  await set('now()');
  expect([await disableSome(), await disableSome(), await waiting()]).toEqual(['more', 'done', 0]);
});

/** Rows and index entries of deliveries that the connection has read so far. */
async function readSoFar({ trx }: Pick<Work, 'trx'>): Promise<number> {
  const { rows } = await sql<{ read: number }>`
    select sum(pg_stat_get_xact_tuples_fetched(id) + pg_stat_get_xact_tuples_returned(id))::int as read
    from (
      select inhrelid as id from pg_inherits where inhparent = 'webhook_deliveries'::regclass
      union all
      select indexrelid from pg_index join pg_inherits on inhrelid = indrelid
        where inhparent = 'webhook_deliveries'::regclass) as relations`.execute(trx);
  return rows[0]?.read as number;
}

it('rule 60: a claim of an endpoint with a large backlog reads what it takes, not all that waits', async () => {
  await db.superuser(
    `update webhook_endpoints set tenant_id = '${newUuid()}' where webhook_endpoint_id = '${endpointId}'`,
  );
  await given(newUuid(), 5_000);

  const { taken, read } = await db.database.withWebhooksRole(async (work) => {
    const before = await readSoFar(work);
    const { deliveries } = await claimDueDeliveries(work, optionsOf(20));
    return { taken: deliveries.length, read: (await readSoFar(work)) - before };
  });

  expect(taken).toBe(20);
  expect(read).toBeGreaterThanOrEqual(taken); // otherwise nothing was counted
  expect(read).toBeLessThan(500);
});
