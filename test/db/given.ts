/** A migrated database per test file, with the helpers that query tests start from. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { Database, type TenantWork } from '../../db/database';
import { createEncryption } from '../../db/platform/encryption';
import { openErasureKey } from '../../db/platform/erasure-key';
import { newUuid } from '../../db/sql/ids';
import { createIntegration, type NewIntegration } from '../../db/sync-runs/create-integration';
import { findIntegration } from '../../db/integrations/integrations';
import type { BrakeAllowances } from '../../db/push/brakes/brake-allowances';
import type { Claim } from '../../db/push/claim';
import { claimDuePushes } from '../../db/push/claim-pushes';
import { acceptChanges, type AcceptedChange } from '../../db/records/accept-changes';
import type { RecordChange } from '../../domain/records/record-change';
import { createTestDatabase, type TestDatabase } from '../support/environments/database';
import { OUTAGE_LIMITS } from '../../domain/retry';

export const GRACE_MS = 300_000;

/** Plans and counts of rows depend on statistics: tests that need them analyze their tables. */
const WITHOUT_AUTOVACUUM = `do $$ declare name regclass; begin
  for name in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' loop
    execute format('alter table %s set (autovacuum_enabled = off)', name);
  end loop; end $$`;

export interface TestDb extends TestDatabase {
  database: Database;
  /** Runs a statement as the superuser, who sees all rows. */
  superuser(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Runs a statement in `role`, as a transaction of Syncline would; rolled back. */
  asRole(role: string, tenantId: string | null, text: string): Promise<Record<string, unknown>[]>;
  end(): Promise<void>;
}

/** `clock` replaces the database's. */
export async function openTestDb(clock?: () => Date): Promise<TestDb> {
  const testDatabase = await createTestDatabase();
  const options = {
    url: testDatabase.url,
    poolSize: 20,
    waitForConnectionMs: 20_000,
    statementTimeoutMs: 20_000,
  };
  const encryption = createEncryption({ keys: [{ keyId: 'test', secret: randomBytes(32) }] });
  const openKey = (work: TenantWork) => openErasureKey(work, encryption);
  const database = new Database({ ...options, openErasureKey: openKey, ...(clock && { clock }) });
  const client = new Client({ connectionString: testDatabase.url });
  await client.connect();
  await client.query(WITHOUT_AUTOVACUUM);
  return {
    ...testDatabase,
    database,
    superuser: async (text, values) => (await client.query<Record<string, unknown>>(text, values)).rows,
    async asRole(role, tenantId, text) {
      await client.query('begin');
      try {
        await client.query(`select set_config('role', $1, true), set_config('app.tenant', $2, true)`, [
          role,
          tenantId ?? '',
        ]);
        return (await client.query<Record<string, unknown>>(text)).rows;
      } finally {
        await client.query('rollback');
      }
    },
    async end() {
      await client.end();
      await database.close();
      await testDatabase.drop();
    },
  };
}

/** Copies of an integration. `changes`: SQL for the columns that differ; `number` is that of the copy. */
export async function givenCopies(
  db: TestDb,
  integrationId: string,
  count: number,
  changes = `'{}'::jsonb`,
): Promise<void> {
  const [row] = await db.superuser(
    `select string_agg(quote_ident(attname), ', ') as columns from pg_attribute
     where attrelid = 'integrations'::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
  );
  const columns = row?.['columns'] as string;
  await db.superuser(
    `insert into integrations (${columns}) select ${columns} from (
       select (jsonb_populate_record(integration,
         jsonb_build_object('integration_id', gen_random_uuid()) || ${changes})).*
       from integrations integration, generate_series(1, ${count}) number where integration_id = $1) copy`,
    [integrationId],
  );
}

export class GivenTenant {
  private constructor(
    readonly db: TestDb,
    readonly tenantId: string,
  ) {}

  static async create(db: TestDb): Promise<GivenTenant> {
    const tenantId = newUuid();
    await db.database.withTenant(tenantId, ({ trx }) =>
      trx
        .insertInto('tenants')
        .values({ tenantId, name: 'Test', timeZone: 'UTC', contactEmail: null })
        .execute(),
    );
    return new GivenTenant(db, tenantId);
  }

  work<T>(work: (context: TenantWork) => Promise<T>): Promise<T> {
    return this.db.database.withTenant(this.tenantId, work);
  }

  async integration(settings: Partial<NewIntegration> = {}): Promise<string> {
    const integrationId = newUuid();
    const input: NewIntegration = {
      integrationId,
      connector: 'ledger',
      app: 'Ledger',
      accountName: 'Test',
      config: {},
      recordTypes: {
        employees: { direction: 'push', fields: [{ name: 'name', to: 'name' }], onDelete: 'deactivate' },
      },
      encryptedCredentials: null,
      gracePeriodMs: GRACE_MS,
      maxWaitMs: null,
      initialPush: 'none',
      isPaused: false,
      ...settings,
    };
    await this.work((work) => createIntegration(work, input));
    return integrationId;
  }

  accept(...changes: (Partial<RecordChange> & { externalId: string })[]): Promise<AcceptedChange[]> {
    const complete = changes.map((change) => ({
      recordType: 'employees',
      kind: 'put' as const,
      fields: {},
      ...change,
    }));
    return this.work((work) => acceptChanges(work, complete, { actor: 'test', requestId: 'test' }));
  }

  /** Claims the due record syncs at `at`, leased for 20 s. */
  async claim(integrationId: string, at: Date, limit = 100): Promise<Claim> {
    return this.work((work) => this.claimIn(work, integrationId, at, { limit }));
  }

  async claimIn(
    work: TenantWork,
    integrationId: string,
    at: Date,
    { limit = 100, allowances }: { limit?: number; allowances?: BrakeAllowances } = {},
  ): Promise<Claim> {
    const integration = await findIntegration(work, { integrationId });
    if (integration === undefined) throw new Error('No such integration.');
    return claimDuePushes(work, {
      integration,
      firedAt: at,
      now: at,
      leaseUntil: new Date(at.getTime() + 20_000),
      giveUpAfterMs: OUTAGE_LIMITS.giveUpAfterMs,
      limit,
      allowances,
      onlyWindows: false,
    });
  }

  async recordSync(integrationId: string, externalId: string) {
    return this.work(({ trx }) =>
      trx
        .selectFrom('recordSyncs as recordSync')
        .innerJoin('records as record', (join) =>
          join
            .onRef('record.tenantId', '=', 'recordSync.tenantId')
            .onRef('record.recordId', '=', 'recordSync.recordId'),
        )
        .selectAll('recordSync')
        .where('record.externalId', '=', externalId)
        .where('recordSync.integrationId', '=', integrationId)
        .executeTakeFirst(),
    );
  }
}
