/** An erased person stays out when the same account is linked again (rules.md 62). */
import { storeHashes } from '../../../db/erasures/block-records';
import { liftErasure } from '../../../db/erasures/erasures';
import { connectAccount } from '../../../db/integrations/oauth/accounts';
import { createApp } from '../../../db/integrations/oauth/apps';
import type { Encryption } from '../../../db/platform/encryption';
import { countErasedThere, withoutErased } from '../../../db/records/erased-records';
import { newUuid } from '../../../db/sql/ids';
import type { JsonObject } from '../../../domain/json';
import { GivenTenant, openTestDb, type TestDb } from '../given';

let db: TestDb;
let tenant: GivenTenant;
let erasureId: string;
const encryption = { encrypt: async () => 'sealed' } as unknown as Encryption;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  erasureId = newUuid();
});

/** An integration of a database. */
const ofDatabase = (config: JsonObject = {}) =>
  tenant.integration({
    connector: 'postgres',
    config: {
      host: 'db.example.com',
      database: 'hr',
      record_types: { employees: { table: 'people' } },
      ...config,
    },
  });

/** An integration of an app to which a person consented with an account. */
async function ofAccount(
  accountId: string | null,
  { list = {}, ...settings }: { list?: JsonObject; base_url?: string; headers?: JsonObject } = {},
): Promise<string> {
  const config = {
    base_url: 'https://api.example.com',
    record_types: { employees: { list: { path: '/people', ...list } } },
    ...settings,
  };
  const integrationId = await tenant.integration({ connector: 'rest', config });
  const oauthAppId = newUuid();
  const app = { oauthAppId, name: 'A', clientId: 'c', clientSecret: null, allowedOrigins: [] };
  await tenant.work(async (work) => {
    await createApp(work, app);
    await connectAccount(work, encryption, {
      integrationId,
      connectionId: newUuid(),
      appTenantId: tenant.tenantId,
      oauthAppId,
      accessToken: 'token',
      refreshToken: null,
      accessExpiresAt: null,
      refreshDueAt: null,
      scopes: null,
      accountId,
      accountName: null,
      connectedBy: 'Ana',
      isProved: false,
    });
  });
  return integrationId;
}

/** The record `ada` has the remote id 7 in each of the integrations, and is erased. They are then deleted. */
const erased = (...integrationIds: string[]) => erasedAs('ada', integrationIds);

async function erasedAs(externalId: string, integrationIds: readonly string[]): Promise<void> {
  await tenant.accept({ externalId });
  const [row] = await db.superuser(
    `select record_id from records where tenant_id = $1 and external_id = $2`,
    [tenant.tenantId, externalId],
  );
  const recordId = row?.['record_id'] as string;
  for (const integrationId of integrationIds)
    await db.superuser(
      `insert into record_links (tenant_id, integration_id, record_type, remote_id, record_id,
         is_deactivated, updated_at) values ($1, $2, 'employees', '7', $3, false, now())`,
      [tenant.tenantId, integrationId, recordId],
    );
  await db.database.withEraser(tenant.tenantId, (work) => storeHashes(work, { erasureId }, [recordId]));
  await db.superuser('update integrations set deleted_at = now() where integration_id = any($1)', [
    integrationIds,
  ]);
}

/** What is left of a page with the records 7 and 8, a deletion of 7, and a 7 that could not be read. */
async function leftOf(integrationId: string) {
  const record = (remoteId: string) => ({ remoteId, externalId: null });
  const page = {
    integrationId,
    recordType: 'employees',
    records: [record('7'), record('8')],
    tombstones: ['7'],
    refused: [{ remoteId: '7' }],
    altered: [{ remoteId: '7' }, { remoteId: '8' }],
    warned: [{ remoteId: '7' }],
  };
  const left = await tenant.work((work) => withoutErased(work, page));
  const place = { integrationId, recordType: 'employees', max: 10 };
  return {
    records: left.records.map(({ remoteId }) => remoteId),
    others: left.tombstones.length + left.refused.length,
    warnings: left.altered.length + left.warned.length,
    erased: left.erased,
    explained: await tenant.work((work) => countErasedThere(work, place)),
  };
}
const KEPT_OUT = { records: ['8'], others: 0, warnings: 1, erased: 2, explained: 1 };
const NOT_ERASED = { records: ['7', '8'], others: 2, warnings: 3, erased: 0, explained: 0 };

it('rule 62: a person who was erased stays out when the same database is linked again', async () => {
  await erased(await ofDatabase());

  expect(await leftOf(await ofDatabase({ host: 'DB.example.com', port: 5_432, schema: 'public' }))).toEqual(
    KEPT_OUT,
  );
});

it('rule 62: a person who was erased stays out when the same account is connected again', async () => {
  await erased(await ofAccount('a1'));

  expect(await leftOf(await ofAccount('a1'))).toEqual(KEPT_OUT);
});

it('rule 62: a person who was erased stays out when the address is written in another way', async () => {
  await erased(await ofAccount('a1'));

  expect(await leftOf(await ofAccount('a1', { base_url: 'https://API.example.com:443/' }))).toEqual(KEPT_OUT);
});

it('rule 62: the same id is another person of another company of the account', async () => {
  const inPath = (company: number) => ({
    list: { path: '/companies/{company}/people', parameters: { company } },
  });
  const inHeader = (company: string) => ({ headers: { 'X-Company': company } });
  const inBody = (company: number) => ({ list: { method: 'POST', body: { company } } });
  await erased(
    await ofAccount('a1', inPath(1)),
    await ofAccount('a1', inHeader('1')),
    await ofAccount('a1', inBody(1)),
  );

  for (const ofCompany of [inPath(2), inHeader('2'), inBody(2)])
    expect(await leftOf(await ofAccount('a1', ofCompany))).toEqual(NOT_ERASED);
  expect(await leftOf(await ofAccount('a1', inPath(1)))).toEqual(KEPT_OUT);
});

it('rule 62: the same id is another person in another account, database or table', async () => {
  await erased(await ofAccount('a1'), await ofAccount(null), await ofDatabase());

  expect(await leftOf(await ofAccount('a2'))).toEqual(NOT_ERASED);
  expect(await leftOf(await ofAccount(null))).toEqual(NOT_ERASED);
  expect(await leftOf(await ofDatabase({ database: 'sales' }))).toEqual(NOT_ERASED);
  for (const employees of [{ table: 'contractors' }, { table: 'people', id: 'badge' }])
    expect(await leftOf(await ofDatabase({ record_types: { employees } }))).toEqual(NOT_ERASED);
});

it('rule 62: a record counts once for the integration that had it', async () => {
  const integrationId = await ofDatabase();
  await erased(integrationId);
  await db.superuser('update integrations set deleted_at = null where integration_id = $1', [integrationId]);

  expect(await leftOf(integrationId)).toEqual(KEPT_OUT);
});

it('rule 62: a record counts once for each integration of the account, former ones or not', async () => {
  const [first, second] = [await ofDatabase(), await ofDatabase()];
  await erased(first, second);
  await db.superuser('update integrations set deleted_at = null where integration_id = $1', [first]);

  expect(await leftOf(first)).toEqual(KEPT_OUT);
  expect(await leftOf(await ofDatabase())).toEqual(KEPT_OUT);
});

it('rule 62: the hashes of an earlier version keep the person out of their integration', async () => {
  const integrationId = await ofDatabase();
  await erased(integrationId);
  await db.superuser('delete from erased_hashes where list_hash is not null');

  expect(await leftOf(integrationId)).toEqual(KEPT_OUT);
  expect(await leftOf(await ofDatabase())).toEqual(NOT_ERASED);
});

it('rule 62: a person whom two integrations of the account had stays out until both erasures are lifted', async () => {
  const [first, second, linkedAgain] = [await ofDatabase(), await ofDatabase(), await ofDatabase()];
  const erasures = [erasureId, newUuid()] as const;
  await erasedAs('ada', [first]);
  erasureId = erasures[1];
  await erasedAs('lovelace', [second]);
  expect(await leftOf(linkedAgain)).toEqual(KEPT_OUT);

  await tenant.work((work) => liftErasure(work, { erasureId: erasures[0] }));
  expect(await leftOf(linkedAgain)).toEqual(KEPT_OUT);
  await tenant.work((work) => liftErasure(work, { erasureId: erasures[1] }));
  expect(await leftOf(linkedAgain)).toEqual(NOT_ERASED);
});
