/** Work that takes each worker down is parked, and all other work goes on (rule 60). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../support/clients/api-client';
import { listIntegration, type ListServer, startListServer } from '../support/servers/list-server';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { PullingIntegration } from '../support/environments/pulling-integration';
import { until } from '../support/until';

const DEADLY = 'contacts';
const HEALTHY = 'companies';
const PAGES = 20;
let lists: ListServer;
let product: Product;
let tenant: ProductTenant;

beforeAll(async () => {
  [lists, product] = await Promise.all([startListServer(), startProduct()]);
  tenant = await product.givenTenant();
  for (const dataset of [DEADLY, HEALTHY]) lists.fill(dataset, PAGES * 1_000);
});
afterAll(() => Promise.all([product?.stop(), lists?.stop()]));
afterEach(() => void (lists.beforePage = () => undefined));

const parked = async () => (await tenant.api.must('GET', '/v1/parked-work')).data;
const jobOf = async (runId: string, recordType: string) =>
  (await tenant.api.must('GET', `/v1/sync-runs/${runId}/jobs`)).data.find(
    (job: Json) => job.record_type === recordType,
  );

it('rule 60: a page that kills each worker is parked, shown at its job, and read after a person retries it', async () => {
  let deaths = 0;
  lists.beforePage = async ({ dataset, page }) => {
    if (dataset !== DEADLY || page !== 2) return;
    deaths += 1;
    await product.killWorker();
    await product.startWorker();
  };
  const integration = await PullingIntegration.link(tenant, listIntegration(lists.url, [DEADLY, HEALTHY]));

  await until('the work is parked', async () => (await parked()).length > 0, 150_000);
  const [run] = await integration.runs();
  const work = (await parked())[0];
  expect(work).toMatchObject({
    kind: 'pull',
    subject_id: run?.id,
    job: DEADLY,
    integration_id: integration.id,
    deaths: 2,
  });
  // The first death may have had several pieces of work under way.
  expect(deaths).toBeLessThanOrEqual(3);
  await until(
    'the job says why',
    async () => (await jobOf(run?.id as string, DEADLY)).error?.code === 'parked',
  );
  expect((await tenant.api.must('GET', '/v1/notifications')).data).toContainEqual(
    expect.objectContaining({ kind: 'work_parked', severity: 'error' }),
  );
  expect(product.logs()).toContain('parked work that took its worker down repeatedly');
  await until(
    'the other dataset is read',
    async () => (await jobOf(run?.id as string, HEALTHY)).state === 'succeeded',
  );
  const deathsBefore = deaths;
  await sleep(5_000);
  expect({ deaths, isRunning: product.isWorkerRunning() }).toEqual({ deaths: deathsBefore, isRunning: true });

  lists.beforePage = () => undefined;
  await tenant.api.must('POST', `/v1/parked-work/${work.id}/retry`);

  expect(await integration.untilEnded(run?.id, 90_000)).toMatchObject({ state: 'succeeded' });
  expect(await parked()).toEqual([]);
}, 400_000);

it('rule 60: workers that an operator kills during normal work leave nothing parked', async () => {
  lists.delayMs = 800;
  const other = await product.givenTenant('Grace & Co');
  const integration = await PullingIntegration.link(other, listIntegration(lists.url, [DEADLY, HEALTHY]));
  const [run] = await integration.runs();
  for (let kills = 0; kills < 2; kills += 1) {
    const before = lists.asked.length;
    const readSince = (dataset: string): number =>
      lists.asked.slice(before).filter((asked) => asked.dataset === dataset).length;
    await until('both are read further', () => readSince(DEADLY) > 2 && readSince(HEALTHY) > 2);
    await product.killWorker();
    await product.startWorker();
  }
  lists.delayMs = 0;

  expect(await integration.untilEnded(run?.id, 120_000)).toMatchObject({ state: 'succeeded' });
  expect((await other.api.must('GET', '/v1/parked-work')).data).toEqual([]);
}, 400_000);
