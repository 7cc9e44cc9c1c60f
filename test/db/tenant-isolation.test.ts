/** Row-level security: no tenant sees or changes another tenant's rows (rules.md S6, S7). */
import { newUuid } from '../../db/sql/ids';
import { GivenTenant, openTestDb, type TestDb } from './given';

let db: TestDb;
let own: GivenTenant;
let other: GivenTenant;
let tables: string[];

beforeAll(async () => {
  db = await openTestDb();
  [own, other] = [await GivenTenant.create(db), await GivenTenant.create(db)];
  for (const tenant of [own, other]) {
    const integrationId = await tenant.integration();
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    await tenant.claim(integrationId, new Date(Date.now() + 3_600_000));
    await tenant.work(({ trx }) =>
      trx
        .insertInto('apiKeys')
        .values({
          tenantId: tenant.tenantId,
          apiKeyId: newUuid(),
          publicId: newUuid(),
          secretHash: Buffer.from('x'),
          name: 'key',
          role: 'admin',
          createdBy: 'test',
          expiresAt: new Date(),
          revokedAt: null,
          lastUsedAt: null,
        })
        .execute(),
    );
  }
  const rows = await db.superuser(
    `select tablename from pg_tables where schemaname = 'public' and tablename not like 'kysely%' order by 1`,
  );
  tables = rows.map((row) => row.tablename as string);
});
afterAll(() => db.end());

const count = async (rows: Promise<Record<string, unknown>[]>) => Number((await rows)[0]?.count);
const grantsOf = async (role: string) => {
  const rows = await db.superuser(
    `select table_name, privilege_type from information_schema.role_table_grants where grantee = $1 and table_schema = 'public'`,
    [role],
  );
  return rows.map((row) => `${String(row.privilege_type).toLowerCase()} ${String(row.table_name)}`);
};

describe('every table', () => {
  it('has forced row-level security, and unique keys with the tenant', async () => {
    const unguarded = await db.superuser(
      `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relname not like 'kysely%' and not (relrowsecurity and relforcerowsecurity)`,
    );
    const keys = await db.superuser(`
      select i.indrelid::regclass::text as table_name, i.indexrelid::regclass::text as name
      from pg_index i join pg_class c on c.oid = i.indrelid
      where i.indisunique and c.relnamespace = 'public'::regnamespace and c.relname not like 'kysely%'
        and not exists (
          select from pg_attribute a
          where a.attrelid = i.indrelid and a.attname = 'tenant_id' and a.attnum = any(i.indkey))`);

    expect(unguarded).toEqual([]);
    expect(tables.length).toBeGreaterThanOrEqual(14);
    // The outbox is no list of a tenant: its key is a generated number. `installations` is one row, and
    // `leases` has one for each background loop, `operator_findings` one for each thing that is wrong.
    // Sessions
    // and failed sign-ins have no tenant at first. An e-mail address signs in without a tenant, and so does
    // an identity at a provider, and the link of a connect session.
    const others = [
      'outbox',
      'console_sessions',
      'sign_in_failures',
      'installations',
      'leases',
      'operator_findings',
    ];
    const signIn = [
      'people_by_email',
      'people_by_canonical_email',
      'person_identities_by_subject',
      'connect_sessions_by_secret',
      'connect_sessions_by_state',
      'incoming_addresses_by_token',
      'oauth_app_webhooks_by_token',
    ];
    expect(
      keys.filter(
        ({ table_name: table, name }) => !others.includes(String(table)) && !signIn.includes(String(name)),
      ),
    ).toEqual([]);
  });

  it('shows a tenant its own rows and no others', async () => {
    for (const table of [
      'tenants',
      'api_keys',
      'integrations',
      'records',
      'record_changes',
      'record_syncs',
      'pushes',
      'outbox',
      'stream_events',
    ]) {
      expect([
        table,
        (await count(
          db.asRole(
            'syncline_app',
            own.tenantId,
            `select count(*) from ${table} where tenant_id = '${own.tenantId}'`,
          ),
        )) > 0,
      ]).toEqual([table, true]);
      expect([
        table,
        await count(
          db.asRole(
            'syncline_app',
            own.tenantId,
            `select count(*) from ${table} where tenant_id <> '${own.tenantId}'`,
          ),
        ),
      ]).toEqual([table, 0]);
    }
  });

  it('shows nothing to a role without a tenant', async () => {
    const ofAll = ['sign_in_failures', 'installations', 'leases', 'operator_findings', 'erasure_items'];
    for (const table of tables.filter((name) => !ofAll.includes(name)))
      expect([table, await count(db.asRole('syncline_app', null, `select count(*) from ${table}`))]).toEqual([
        table,
        0,
      ]);
    await expect(db.asRole('syncline_app', null, 'select count(*) from sign_in_failures')).rejects.toThrow(
      /permission denied/,
    );
  });

  it('refuses inserts for another tenant, and changes none of its rows', async () => {
    await expect(
      db.asRole(
        'syncline_app',
        own.tenantId,
        `insert into outbox (tenant_id, topic, subject_id, next_due_at) values ('${other.tenantId}', 'record_push', '${other.tenantId}', now())`,
      ),
    ).rejects.toThrow(/row-level security/);
    await expect(
      db.asRole('syncline_app', own.tenantId, `update records set tenant_id = '${other.tenantId}'`),
    ).rejects.toThrow(/row-level security/);
    expect(
      await db.asRole(
        'syncline_app',
        own.tenantId,
        `update records set changed_by = 'x' where tenant_id = '${other.tenantId}' returning 1`,
      ),
    ).toEqual([]);
  });

  it('applies even to an owner who is not a superuser (FORCE)', async () => {
    const owner = `owner_${newUuid().slice(-8)}`;
    await db.superuser(`create role ${owner} nologin`);
    await db.superuser(`grant usage, create on schema public to ${owner}`);
    await db.superuser(`alter table records owner to ${owner}`);
    try {
      expect(await count(db.asRole(owner, own.tenantId, 'select count(*) from records'))).toBe(0);
    } finally {
      await db.superuser('alter table records owner to current_user');
      await db.superuser(`drop owned by ${owner}`);
      await db.superuser(`drop role ${owner}`);
    }
  });

  it('S7: lets two tenants use the same external ids independently', async () => {
    expect(await count(db.superuser(`select count(*) from records where external_id = 'e1'`))).toBe(2);
    const [[one], [second]] = await Promise.all([
      own.accept({ externalId: 'same', fields: {} }),
      other.accept({ externalId: 'same', fields: {} }),
    ]);

    expect(one).toMatchObject({ outcome: 'accepted', version: 1 });
    expect(second).toMatchObject({ outcome: 'accepted', version: 1 });
    expect(one?.recordId).not.toBe(second?.recordId);
  });
});

describe('the roles', () => {
  it('cannot log in, own nothing and bypass no policy', async () => {
    const rows = await db.superuser(
      `select rolcanlogin or rolsuper or rolbypassrls or rolcreatedb or rolcreaterole as may_too_much from pg_roles where rolname like 'syncline_%'`,
    );
    const owned = await db.superuser(
      `select tablename from pg_tables where schemaname = 'public' and tableowner like 'syncline_%'`,
    );

    expect(rows).toHaveLength(5); // app, dispatcher, eraser, platform, webhooks
    expect(rows.filter((row) => row.may_too_much)).toEqual([]);
    expect(owned).toEqual([]);
  });

  it('cannot change or delete append-only rows: audit log, record changes, change feed', async () => {
    const grants = await grantsOf('syncline_app');

    for (const table of ['audit_log', 'record_changes', 'stream_events', 'outbox']) {
      expect(grants.filter((grant) => grant.endsWith(` ${table}`)).toSorted()).toEqual([
        `insert ${table}`,
        `select ${table}`,
      ]);
    }
    await expect(db.asRole('syncline_app', own.tenantId, 'create table mine (a int)')).rejects.toThrow(
      /permission denied/,
    );
    await expect(db.asRole('syncline_app', own.tenantId, 'truncate records')).rejects.toThrow(
      /permission denied/,
    );
  });

  it('let the webhooks role see events and deliveries of all tenants, and nothing else', async () => {
    const granted = new Set(
      (await grantsOf('syncline_webhooks')).map((grant) => grant.split(' ').at(-1) ?? ''),
    );

    expect([...granted].toSorted()).toEqual([
      'events',
      'outbox',
      'webhook_attempts',
      'webhook_deliveries',
      'webhook_endpoints',
    ]);
    for (const table of ['records', 'integrations', 'tenants'])
      await expect(db.asRole('syncline_webhooks', null, `select * from ${table}`)).rejects.toThrow(
        /permission denied/,
      );
  });

  it('let the dispatcher see due times of all tenants, and none of their content', async () => {
    expect(
      await count(db.asRole('syncline_dispatcher', null, 'select count(distinct tenant_id) from outbox')),
    ).toBe(2);
    expect(
      await count(db.asRole('syncline_dispatcher', null, 'select count(next_due_at) from record_syncs')),
    ).toBeGreaterThan(0);
    for (const text of [
      'select fields from records',
      'select payload from pushes',
      'select errors from record_syncs',
      'select credentials from integrations',
      'select config from integrations',
      'select body from stream_events',
      'select response from idempotency_keys',
      'select payload from events',
      'select secrets from webhook_endpoints',
      'select response_body from webhook_attempts',
      'select * from tenants',
      'select * from api_keys',
      'update record_syncs set due_at = now()',
      'insert into outbox (tenant_id, topic, subject_id, next_due_at) select tenant_id, topic, subject_id, next_due_at from outbox',
    ]) {
      await expect(db.asRole('syncline_dispatcher', null, text)).rejects.toThrow(/permission denied/);
    }
  });

  it('let the platform role find tenants and keys, and see no records', async () => {
    expect(await count(db.asRole('syncline_platform', null, 'select count(*) from tenants'))).toBe(2);
    expect(await count(db.asRole('syncline_platform', null, 'select count(secret_hash) from api_keys'))).toBe(
      2,
    );
    for (const text of [
      'select * from records',
      'select * from integrations',
      'select config from integrations',
      'select settings_before from definition_rollout_integrations',
      'select settings_after from definition_rollout_integrations',
      'select health_before from definition_rollout_integrations',
      'select * from record_syncs',
      'select * from pushes',
      'select * from outbox',
      'delete from tenants',
      'update api_keys set secret_hash = null',
    ]) {
      await expect(db.asRole('syncline_platform', null, text)).rejects.toThrow(/permission denied/);
    }
  });

  it('end with the transaction', async () => {
    await own.work(({ trx }) => trx.selectFrom('records').select('recordId').execute());
    const [row] = await db.superuser(
      `select current_user as who, current_setting('app.tenant', true) as tenant`,
    );

    expect(row?.who).not.toBe('syncline_app');
    await expect(
      db.database.withDispatcher(({ trx }) => trx.selectFrom('records').selectAll().execute()),
    ).rejects.toThrow(/permission denied/);
  });
});
