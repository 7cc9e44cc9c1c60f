/** Time partitions: made ahead, dropped by age, without anything that is still needed. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { DEFAULT_RETENTION } from '../../../domain/retention';
import { keepPartitions } from '../../../db/retention/partitions';
import { newUuid } from '../../../db/sql/ids';
import { claimDueDeliveries } from '../../../db/webhooks/claim-deliveries';
import { emitEvents } from '../../../db/webhooks/events';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const DAY_MS = 86_400_000;
const TABLES = [
  'events',
  'webhook_deliveries',
  'webhook_attempts',
  'pushes',
  'record_changes',
  'audit_log',
  'emails',
  'operations',
];

let db: TestDb;
let tenant: GivenTenant;
let skippedMs = 0;
/** Of PostgreSQL and of this process. */
const clock = () => Date.now() + skippedMs;

beforeEach(async () => {
  skippedMs = 0;
  db = await openTestDb(() => new Date(clock()));
  tenant = await GivenTenant.create(db);
});
afterEach(() => db.end());

const keep = (retention = DEFAULT_RETENTION, processClock = clock) =>
  keepPartitions(db.database, retention, processClock);

interface Partition {
  table: string;
  name: string;
  bound: string;
}

const partitions = (table: string) =>
  db.superuser(
    `select inhparent::regclass::text as table, relname as name, pg_get_expr(relpartbound, pg_class.oid) as bound
       from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = $1::regclass order by relname`,
    [table],
  ) as Promise<unknown> as Promise<Partition[]>;
const rowsOf = async (table: string) => (await db.superuser(`select * from ${table}`)).length;
const rowsByTable = async () =>
  Object.fromEntries(await Promise.all(TABLES.map(async (table) => [table, await rowsOf(table)])));

/** One row in each table, finished or still open, with the id given. */
async function fill(isOpen: boolean, id: () => string = newUuid): Promise<void> {
  const { tenantId } = tenant;
  const [eventId, deliveryId, pushId, recordId] = [id(), id(), id(), newUuid()];
  const at = `'${new Date(clock()).toISOString()}'::timestamptz`;
  const ended = isOpen ? 'null' : at;
  await db.superuser(`
    insert into events (tenant_id, event_id, sequence, type, payload, created_at)
      values ('${tenantId}', '${eventId}', (select coalesce(max(sequence), 0) + 1 from events), 'TEST', '{"a": 1}', ${at});
    insert into webhook_deliveries (tenant_id, webhook_delivery_id, webhook_endpoint_id, event_id, state, trigger,
        next_attempt_at, created_at)
      values ('${tenantId}', '${deliveryId}', '${newUuid()}', '${eventId}', 'pending', 'event',
        ${isOpen ? at : 'null'}, ${at});
    insert into webhook_attempts (tenant_id, webhook_delivery_id, attempt, at, duration_ms, request_headers)
      values ('${tenantId}', '${deliveryId}', 1, ${at}, 1, '{}');
    insert into pushes (tenant_id, push_id, integration_id, record_id, record_version, mapping_version, operation,
        started_because, changed_fields, changed_by, payload, result, attempts, started_at)
      values ('${tenantId}', '${pushId}', '${newUuid()}', '${recordId}', 1, 1, 'upsert', 'quiet', '{}', '{}', '{}',
        ${isOpen ? 'null' : "'succeeded'"}, 1, ${at});
    insert into record_changes (tenant_id, record_id, change_id, version, outcome, is_delete, changed_fields,
        changed_by, occurred_at, changed_at, request_id)
      values ('${tenantId}', '${recordId}', '${id()}', 1, 'applied', false, '{}', 'x', ${at}, ${at}, 'r');
    insert into audit_log (tenant_id, audit_id, actor, action, detail, request_id, at)
      values ('${tenantId}', '${id()}', 'x', 'y', '{}', 'r', ${at});
    insert into emails (tenant_id, email_id, kind, recipient, content, created_at, sent_at)
      values ('${tenantId}', '${id()}', 'x', 'a@b.test', '{}', ${at}, ${ended});
    insert into operations (tenant_id, operation_id, kind, integration_id, overview_id, requested_by, requested_at,
        ended_at)
      values ('${tenantId}', '${id()}', 'overview', '${newUuid()}', '${newUuid()}', 'x', ${at}, ${ended})`);
}

const inEach = (count: number) => Object.fromEntries(TABLES.map((table) => [table, count]));

it('F11: rows of the coming three weeks have partitions, which show no row of another tenant', async () => {
  await keep();

  for (const table of TABLES) {
    const made = (await partitions(table)).filter(({ name }) => /_\d{4}_\d\d_\d\d$/.test(name));
    expect(made.length).toBeGreaterThan(0);
    const idOfThen = newUuidAt(Date.now() + 20 * DAY_MS);
    expect(made.some(({ bound }) => isWithin(bound, idOfThen))).toBe(true);
    for (const { name } of made) await expectProtected(name);
  }
  const before = await partitions('events');
  await keep();
  expect(await partitions('events')).toEqual(before);
});

it('F11: old rows go with their partition, each table after its own retention, and younger ones stay', async () => {
  await fill(false);
  const retention = { ...DEFAULT_RETENTION, events: 7, recordChanges: 40, auditLog: 60 };

  skippedMs = 23 * DAY_MS; // the first partition ends after 15 days
  await keep(retention);
  const gone = { events: 0, webhook_deliveries: 0, webhook_attempts: 0 };
  expect(await rowsByTable()).toEqual({ ...inEach(1), ...gone });

  skippedMs = 50 * DAY_MS;
  await fill(false, () => newUuidAt(clock()));
  await keep(retention);
  expect(await rowsByTable()).toEqual({
    ...inEach(1),
    pushes: 2,
    emails: 2,
    record_changes: 2,
    audit_log: 2,
  });

  skippedMs = 80 * DAY_MS;
  await keep(retention);
  expect(await rowsByTable()).toMatchObject({ record_changes: 1, audit_log: 1, pushes: 2 });
});

it('F11: a table that cannot be kept in order does not hold up the others', async () => {
  const before = (await partitions('emails')).length;
  await db.superuser('alter table webhook_attempts_other rename to attempts_elsewhere');
  skippedMs = 28 * DAY_MS;

  await expect(keep()).rejects.toThrow('webhook_attempts_other');

  expect((await partitions('emails')).length).toBeGreaterThan(before);
});

it('rule 62: a waiting delivery, an unfinished push, an unsent e-mail outlive their partition', async () => {
  await fill(true);
  await fill(false);

  skippedMs = 1_000 * DAY_MS;
  for (let call = 0; call < 12; call += 1) await keep();

  expect(await rowsByTable()).toEqual({
    ...inEach(1),
    record_changes: 0,
    audit_log: 0,
    webhook_attempts: 0,
  });
  expect(await rowsOf('events_other')).toBe(1);
  expect(
    await db.superuser(`select event_id from events join webhook_deliveries using (event_id)`),
  ).toHaveLength(1);

  await db.superuser(`update webhook_deliveries set next_attempt_at = null; update pushes set result = 'failed';
    update emails set sent_at = now(); update operations set ended_at = now()`);
  await keep();
  expect(await rowsByTable()).toEqual(inEach(0));
});

it('F11: the push that may have created a record is kept until that is known', async () => {
  const integrationId = await tenant.integration();
  await tenant.accept({ externalId: 'a', fields: { name: 'A' } });
  await fill(false);
  await db.superuser(`update record_syncs set unresolved_push_id = (select push_id from pushes)`);

  skippedMs = 200 * DAY_MS;
  await keep();
  await keep();
  expect(await rowsOf('pushes')).toBe(1);

  await db.superuser(
    `update record_syncs set unresolved_push_id = null where integration_id = '${integrationId}'`,
  );
  await keep();
  expect(await rowsOf('pushes')).toBe(0);
});

it.each([
  ['of PostgreSQL', () => Date.now()],
  ['of the process', () => Date.now() + 3_650 * DAY_MS],
])('rule 62: a clock %s that jumps ten years ahead drops nothing', async (whose, processClock) => {
  await fill(false);
  if (whose === 'of PostgreSQL') skippedMs = 3_650 * DAY_MS;

  await keep(DEFAULT_RETENTION, processClock);
  skippedMs = 0;
  await keep();

  expect(await rowsByTable()).toEqual(inEach(1));
  await fill(false);
  expect(await rowsOf('events_other')).toBe(0);
});

describe('rows whose ids belong to no partition', () => {
  it('are found, and deleted by their own age', async () => {
    await fill(false, () => `f${randomUUID().slice(1)}`);
    expect(await rowsOf('pushes_other')).toBe(1);

    await keep();
    expect(await rowsByTable()).toEqual(inEach(1));

    skippedMs = 800 * DAY_MS;
    await keep();
    expect(await rowsByTable()).toEqual(inEach(0));
  });

  it('rule 60: are looked at in small parts, however many there are', async () => {
    const count = 4_000; // 8 kB hold fewer than eight
    await db.superuser(`
      insert into audit_log (tenant_id, audit_id, actor, action, detail, request_id, at)
      select '${tenant.tenantId}', overlay(gen_random_uuid()::text placing 'f' from 1 for 1)::uuid, repeat('x', 1000), 'y',
        '{}', 'r', now() from generate_series(1, ${count})`);
    skippedMs = 800 * DAY_MS;

    await keep();
    const left = await rowsOf('audit_log_other');
    expect(left).toBeGreaterThan(count / 2);
    expect(left).toBeLessThan(count);
    while ((await rowsOf('audit_log_other')) > 0) await keep();
  });

  it('keep their place when a partition for their time cannot be made any more', async () => {
    await fill(false, () => newUuidAt(Date.now() + 16 * DAY_MS)); // the first partition ends after 15 days

    skippedMs = 8 * DAY_MS;
    await keep();

    expect(await rowsByTable()).toEqual(inEach(1));
    const made = (await partitions('events')).filter(({ name }) => /_\d\d$/.test(name));
    expect(made.some(({ bound }) => isWithin(bound, newUuidAt(Date.now() + 23 * DAY_MS)))).toBe(true);
  });
});

it('waits half a second for other transactions and tries again with the next call', async () => {
  const client = new Client({ connectionString: db.url });
  await client.connect();
  await client.query('begin');
  await client.query('select * from events');

  try {
    await keep();
    expect(await partitions('events')).toHaveLength(2);
    expect((await partitions('pushes')).length).toBeGreaterThan(2);
  } finally {
    await client.end();
  }
  await keep();
  expect((await partitions('events')).length).toBeGreaterThan(2);
});

it('a long report delays others once a minute, however many partitions are old', async () => {
  for (const day of [0, 20, 40]) {
    skippedMs = day * DAY_MS;
    await keep();
  }
  skippedMs = 90 * DAY_MS;
  const withOwner = db.database.withOwner.bind(db.database);
  let refused = 0;
  jest.spyOn(db.database, 'withOwner').mockImplementation((lockTimeoutMs, work) =>
    withOwner(lockTimeoutMs, work).catch((error: unknown) => {
      refused += (error as { code?: string }).code === '55P03' ? 1 : 0;
      throw error;
    }),
  );
  const client = new Client({ connectionString: db.url });
  await client.connect();
  await client.query('begin');
  await client.query('select * from pushes');

  try {
    await keep({ ...DEFAULT_RETENTION, pushes: 14 });
    expect(refused).toBe(1);
  } finally {
    await client.end();
  }
  const before = await partitions('pushes');
  await keep({ ...DEFAULT_RETENTION, pushes: 14 });
  const left = new Set((await partitions('pushes')).map(({ name }) => name));
  expect(before.map(({ name }) => name).filter((name) => left.has(name))).toEqual(['pushes_other']);
});

it('a clock of PostgreSQL that jumps ahead alone makes no partitions for those years', async () => {
  await keep();
  const before = await partitions('events');

  skippedMs = 3_650 * DAY_MS;
  await keep(DEFAULT_RETENTION, Date.now);

  expect(await partitions('events')).toEqual(before);
});

it('claims the deliveries of one endpoint, although rows of other partitions have the same place in theirs', async () => {
  const [one, two] = [newUuid(), newUuid()];
  for (const endpointId of [one, two])
    await db.superuser(`
      insert into webhook_endpoints (tenant_id, webhook_endpoint_id, url, description, secrets, created_at, updated_at,
        event_types)
      values ('${tenant.tenantId}', '${endpointId}', 'https://r.test', '', '[]', now(), now(), '{}')`);
  await keep();
  const now = new Date();
  const given = async (endpointId: string, id: string) =>
    db.superuser(`insert into webhook_deliveries (tenant_id, webhook_delivery_id, webhook_endpoint_id, event_id, state,
        trigger, next_attempt_at, created_at)
      values ('${tenant.tenantId}', '${id}', '${endpointId}', '${newUuid()}', 'pending', 'event', now(), now())`);
  const [first, second] = [newUuid(), newUuidAt(Date.now() + 18 * DAY_MS)];
  await given(one, first);
  await given(two, second);
  expect(await db.superuser('select distinct ctid from webhook_deliveries')).toHaveLength(1);

  const claimed = await db.database.withWebhooksRole((work) =>
    claimDueDeliveries(work, {
      endpoint: { endpointId: one, version: 1 },
      claimId: newUuid(),
      now: new Date(now.getTime() + 60_000),
      leaseUntil: new Date(now.getTime() + 120_000),
      limit: 10,
    }),
  );

  expect(claimed.deliveries.map(({ deliveryId }) => deliveryId)).toEqual([first]);
  expect(await db.superuser('select from webhook_deliveries where lease_until is not null')).toHaveLength(1);
});

it('numbers events across partitions, and the feed reads them in order', async () => {
  await keep();
  const emit = () =>
    tenant.work((work) => emitEvents(work, [{ type: 'TEST', integrationId: null, data: { message: 'x' } }]));
  await emit();
  await db.superuser(
    `insert into events select tenant_id, '${newUuidAt(Date.now() + 18 * DAY_MS)}', 2, type, null, payload, created_at
       from events`,
  );

  const { rows } = await tenant.work(({ trx }) =>
    trx
      .selectFrom('events')
      .select('sequence')
      .orderBy('sequence')
      .execute()
      .then((found) => ({ rows: found })),
  );

  expect(rows).toEqual([{ sequence: 1 }, { sequence: 2 }]);
});

/** A UUID version 7 of that time. */
function newUuidAt(ms: number): string {
  const digits = Math.floor(ms).toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7${randomUUID().slice(15)}`;
}

function isWithin(bound: string, id: string): boolean {
  const [, from = '', to = ''] = /FROM \('(.*)'\) TO \('(.*)'\)/.exec(bound) ?? [];
  return from <= id && id < to;
}

async function expectProtected(name: string): Promise<void> {
  const [state] = await db.superuser(
    `select relrowsecurity, relforcerowsecurity from pg_class where relname = $1`,
    [name],
  );
  expect(state).toEqual({ relrowsecurity: true, relforcerowsecurity: true });
  for (const role of ['syncline_dispatcher', 'syncline_webhooks', 'syncline_platform'])
    await expect(db.asRole(role, null, `select from ${name}`)).rejects.toThrow('permission denied');
}
