/**
 * Schedules as an operator meets them: the real api and worker, and the Schedules that result in the real
 * Temporal.
 */
import { Client, Connection } from '@temporalio/client';
import { syncScheduleId } from '../../contract/sync-schedule';
import { fromTypeId } from '../../db/sql/ids';
import { ApiClient } from '../support/clients/api-client';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { temporalAddress } from '../support/servers/shared-servers';
import { until } from '../support/until';

let product: Product;
let connection: Connection;
let temporal: Client;
let tenant: ProductTenant;
let integration: { id: string };

const nightly = () =>
  temporal.schedule
    .getHandle(
      syncScheduleId({ integrationId: fromTypeId('int', integration.id) as string, schedule: 'nightly' }),
    )
    .describe()
    .catch(() => null);
const untilZone = (zone: string) =>
  until(`the nightly schedule is in ${zone}`, async () => (await nightly())?.spec.timezone === zone);

beforeAll(async () => {
  product = await startProduct();
  connection = await Connection.connect({ address: temporalAddress() });
  temporal = new Client({ connection, namespace: product.namespace });
  tenant = await product.givenTenant();
  integration = (await tenant.api.must('POST', '/v1/integrations', {
    connector: 'postgres',
    app: 'Example CRM',
    account_name: 'Ada & Sons',
    config: {
      host: '127.0.0.1',
      port: 1,
      database: 'crm',
      record_types: { contacts: { table: 'contacts', id: 'id' } },
    },
    credentials: { user: 'syncline', password: 'secret' },
    record_types: { contacts: { direction: 'pull' } },
    nightly_sync_at: '02:30',
  })) as { id: string };
}, 90_000);
afterAll(async () => {
  await connection?.close();
  await product?.stop();
});

it('exist once an integration is linked, in the zone of the tenant, and follow its changes', async () => {
  await untilZone('Europe/Berlin');

  const platform = new ApiClient(product.apiUrl, product.platformKey);
  await platform.must(
    'PATCH',
    `/v1/tenants/${tenant.id}`,
    { time_zone: 'America/New_York' },
    { 'If-Match': '"1"' },
  );
  await untilZone('America/New_York');

  const shown = await tenant.api.must('GET', `/v1/integrations/${integration.id}/sync-schedule`);
  expect(shown).toMatchObject({
    state: 'on',
    time_zone: 'America/New_York',
    nightly_at: '02:30',
    nightly_fallback_at: '03:45',
  });
});

it('have a scheduled run that is logged as skipped during the onboarding run', async () => {
  const handle = temporal.schedule.getHandle(
    syncScheduleId({ integrationId: fromTypeId('int', integration.id) as string, schedule: 'hourly' }),
  );
  await handle.trigger();

  const [skipped] = await until('the skipped run is logged', async () => {
    const { data } = await tenant.api.must('GET', `/v1/integrations/${integration.id}/skipped-runs`);
    return data.length > 0 && data;
  });
  const [run] = await tenant.api.list('/v1/sync-runs');
  expect(skipped).toMatchObject({ schedule: 'hourly', reason: 'skipped_overlap', sync_run_id: run.id });
});

it('are created again by the next worker if Temporal has lost them, and deleted with the integration', async () => {
  const handle = temporal.schedule.getHandle(
    syncScheduleId({ integrationId: fromTypeId('int', integration.id) as string, schedule: 'nightly' }),
  );
  await handle.delete();
  expect(await product.stopWorker()).toBe('ended with exit code 0');
  await product.startWorker();
  await untilZone('America/New_York');

  await tenant.api.must('DELETE', `/v1/integrations/${integration.id}`, undefined, {
    'If-Match':
      (await tenant.api.call('GET', `/v1/integrations/${integration.id}`)).headers.get('etag') ?? '',
  });
  await until('the schedule is gone', async () => (await nightly()) === null);
  expect(await nightly()).toBeNull();
});
