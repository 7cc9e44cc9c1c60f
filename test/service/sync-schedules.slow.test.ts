/** Schedules as an operator meets them: the real api, worker and Temporal. */
import { Client, Connection } from '@temporalio/client';
import { Client as Postgres } from 'pg';
import { SCHEDULED_SYNC_WORKFLOW, syncScheduleId } from '../../contract/sync-schedule';
import { TASK_QUEUES } from '../../contract/task-queues';
import { fromTypeId } from '../../db/sql/ids';
import { ApiClient } from '../support/clients/api-client';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { temporalAddress } from '../support/servers/shared-servers';
import { until } from '../support/until';

let product: Product;
let connection: Connection;
let postgres: Postgres;
let tenant: ProductTenant;
let integration: { id: string };
let integrationId: string;

const rows = async () =>
  (
    await postgres.query<{ schedule: string; basis: string }>(
      'select schedule, basis from sync_schedules where integration_id = $1 order by schedule',
      [integrationId],
    )
  ).rows;

beforeAll(async () => {
  product = await startProduct();
  connection = await Connection.connect({ address: temporalAddress() });
  postgres = new Postgres({ connectionString: product.databaseUrl });
  await postgres.connect();
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
  integrationId = fromTypeId('int', integration.id) as string;
}, 90_000);
afterAll(async () => {
  await connection?.close();
  await postgres?.end();
  await product?.stop();
});

it('are in the zone of the tenant once an integration is linked, and follow its changes', async () => {
  expect(await rows()).toEqual([
    { schedule: 'hourly', basis: 'hourly' },
    { schedule: 'nightly', basis: '02:30 Europe/Berlin' },
  ]);
  const platform = new ApiClient(product.apiUrl, product.platformKey);
  await platform.must(
    'PATCH',
    `/v1/tenants/${tenant.id}`,
    { time_zone: 'America/New_York' },
    { 'If-Match': '"1"' },
  );
  expect((await rows())[1]).toEqual({ schedule: 'nightly', basis: '02:30 America/New_York' });

  const shown = await tenant.api.must('GET', `/v1/integrations/${integration.id}/sync-schedule`);
  expect(shown).toMatchObject({
    state: 'on',
    time_zone: 'America/New_York',
    nightly_at: '02:30',
    nightly_fallback_at: '03:45',
  });
});

it('have a scheduled run that is logged as skipped during the onboarding run', async () => {
  await postgres.query(`update sync_schedules set next_at = now() where schedule = 'hourly'`);

  const [skipped] = await until('the skipped run is logged', async () => {
    const { data } = await tenant.api.must('GET', `/v1/integrations/${integration.id}/skipped-runs`);
    return data.length > 0 && data;
  });
  const [run] = await tenant.api.list('/v1/sync-runs');
  expect(skipped).toMatchObject({ schedule: 'hourly', reason: 'skipped_overlap', sync_run_id: run.id });
});

it('of a former version are deleted in Temporal by the next worker, and no other schedule is', async () => {
  const { schedule } = new Client({ connection, namespace: product.namespace });
  const scheduleIds = async () => {
    const found: string[] = [];
    for await (const { scheduleId } of schedule.list()) found.push(scheduleId.split(':')[0] as string);
    return found.toSorted();
  };
  await until('the mark of the database is there', async () => (await scheduleIds()).length === 1);
  expect(await product.stopWorker()).toBe('ended with exit code 0');
  for (const each of ['hourly', 'nightly'] as const)
    await schedule.create({
      scheduleId: syncScheduleId({ integrationId, schedule: each }),
      spec: { intervals: [{ every: '1 hour' }] },
      action: {
        type: 'startWorkflow',
        workflowType: SCHEDULED_SYNC_WORKFLOW,
        taskQueue: TASK_QUEUES.workflows,
        args: [],
      },
    });
  await until('they are listed', async () => (await scheduleIds()).length === 3);
  await product.startWorker();

  await until('they are gone', async () => (await scheduleIds()).length === 1);
  expect(await scheduleIds()).toEqual(['database-mark']);
});
