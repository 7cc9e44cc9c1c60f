/**
 * Statements of the own database that take longer than they may (57014): an error of the work that ran them,
 * not an outage of the database (rules.md 35, R6).
 */
import {
  GRACE_MS,
  MINUTE,
  PushEnvironment,
  type TestTenant,
} from '../../../support/environments/push-environment';
import { fill, CrmIntegration } from '../../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create({ statementTimeoutMs: 5_000 });
  await environment.superuser(`create function linger() returns trigger language plpgsql as
    $$ begin perform pg_sleep(60); return new; end $$`);
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  tenant = await environment.tenant();
});

/** Each statement that inserts rows of the tenant into the table takes a minute. */
const slow = (table: string) =>
  environment.superuser(`create trigger linger before insert on ${table} for each row
    when (new.tenant_id = '${tenant.tenantId}') execute function linger()`);
/** A statement that has locked a partition and waits for the table ends the drop: a deadlock. */
async function quick(table: string, triesLeft = 10): Promise<void> {
  await environment.superuser(`drop trigger linger on ${table}`).catch((error: { code?: string }) => {
    if (error.code !== '40P01' || triesLeft === 0) throw error as Error;
    return quick(table, triesLeft - 1);
  });
}

it('D2: a run whose statements time out ends with an error of its dataset after five attempts', async () => {
  const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 2));
  await pulled.account.put('contacts', 'p900', { name: 'New', email: 'new@example.org' });
  await slow('record_links');

  const run = await pulled.sync('full');
  await quick('record_links');

  expect(run.isSyncFinished).toBe(true);
  expect(await pulled.job(run.syncRunId)).toMatchObject({
    state: 'failed',
    attempts: 5,
    error: { category: 'internal', code: 'database_failed', message: expect.stringContaining('timeout') },
  });
  expect(await pulled.sync('full')).toMatchObject({ state: 'succeeded' });
  expect((await pulled.held()).size).toBe(3);
});

it('D2: a push whose statements time out waits, and is sent once when they end again', async () => {
  const integrationId = await tenant.integration();
  await tenant.change('ada', { name: 'Ada' });
  await slow('pushes');
  await environment.sleep(GRACE_MS + 1_000);
  expect(tenant.sent(integrationId)).toEqual([]);
  expect(await tenant.status(integrationId, 'ada')).toBe('sync_pending');

  await quick('pushes');
  for (let tries = 0; tries < 20 && (await tenant.status(integrationId, 'ada')) !== 'synced'; tries += 1)
    await environment.sleep(MINUTE);

  expect(tenant.sent(integrationId)).toMatchObject([{ externalId: 'ada' }]);
  expect(await tenant.pushes(integrationId)).toHaveLength(1);
});
