/**
 * Third parties of one tenant that accept calls and do not answer hold a part of the worker's slots only
 * (rule 60). Everything is compared with calls that are still unanswered, never with a clock.
 */
import type { Json } from '../support/clients/api-client';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../support/servers/ledger-server';
import { listIntegration, type ListServer, startListServer } from '../support/servers/list-server';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { PullingIntegration } from '../support/environments/pulling-integration';
import { until } from '../support/until';

/** A tenant may hold 4 of them, 3 of these in the background. */
const SLOTS = '12';
const PATIENCE_MS = 120_000;
const SILENT = ['silent_a', 'silent_b', 'silent_c', 'silent_d'];
const HEALTHY = 'healthy';
/** More work than the worker has slots of any kind. */
const INTEGRATIONS = 9;
const PUSHING_INTEGRATIONS = 40;

let lists: ListServer;
let ledger: LedgerServer;
let product: Product;
/** Which of the silent pages were still unanswered, each time that a healthy page was asked for. */
let unansweredAtHealthy: boolean[][];
let silence: { ended: Promise<void>; end(): void };

const silentPages = () => lists.asked.filter(({ dataset }) => dataset !== HEALTHY);

function beSilent(): void {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  silence = { ended, end };
  unansweredAtHealthy = [];
}

beforeAll(async () => {
  const env = { WORKER_PULL_SLOTS: SLOTS, WORKER_PUSH_SLOTS: SLOTS };
  [lists, ledger, product] = await Promise.all([
    startListServer(),
    startLedgerServer(),
    startProduct({ env }),
  ]);
  for (const dataset of [...SILENT, HEALTHY]) lists.fill(dataset, 10);
  lists.beforePage = ({ dataset }) => {
    if (dataset !== HEALTHY) return silence.ended;
    unansweredAtHealthy.push(silentPages().map(({ isOver }) => !isOver));
    return undefined;
  };
  ledger.decide = async ({ account, kind }) => {
    if (account.startsWith(kind === 'check' ? 'mute' : 'silent')) await silence.ended;
    return undefined;
  };
});
beforeEach(beSilent);
afterEach(() => silence.end());
afterAll(() => Promise.all([product?.stop(), lists?.stop(), ledger?.stop()]));

const healthy = (tenant: ProductTenant): Promise<PullingIntegration> =>
  PullingIntegration.onboarded(tenant, listIntegration(lists.url, [HEALTHY]));

/** As a person does it, who waits for each. */
async function readForPerson(tenant: ProductTenant, integration: PullingIntegration): Promise<Json[]> {
  const at = `/v1/integrations/${integration.id}`;
  const { overview } = await tenant.api.must('POST', `${at}/overviews`, {});
  const shown = await until(
    'the overview is generated',
    async () => {
      const now = await tenant.api.must('GET', `/v1/overviews/${overview.id}`);
      return now.state !== 'generating' && now.state !== 'queued' && now;
    },
    PATIENCE_MS,
  );
  const run = await integration.untilEnded((await integration.start('incremental')).id, PATIENCE_MS);
  const check = await tenant.api.must('POST', `${at}/check`);
  return [shown, run, check];
}

it("rule 60: apps of one tenant that do not answer hold up neither another tenant's reading nor what people of their own tenant wait for", async () => {
  const [tenant, other] = await Promise.all([product.givenTenant(), product.givenTenant('Grace & Co')]);
  const [own, others] = await Promise.all([healthy(tenant), healthy(other)]);
  const silent: PullingIntegration[] = [];
  for (let made = 0; made < INTEGRATIONS; made += 1)
    silent.push(
      await PullingIntegration.link(tenant, {
        ...listIntegration(lists.url, SILENT),
        account_name: `Silent ${made}`,
      }),
    );
  await until('the share is used', () => silentPages().length >= 3);
  unansweredAtHealthy = [];

  const results = await Promise.all([readForPerson(other, others), readForPerson(tenant, own)]);
  const background = await others.sync('full');

  // Before any of them was given up, and later beside no more than the tenant's share.
  expect(unansweredAtHealthy[0]).toEqual([true, true, true]);
  for (const unanswered of unansweredAtHealthy)
    expect(unanswered.filter(Boolean).length).toBeLessThanOrEqual(3);
  expect(background).toMatchObject({ state: 'succeeded' });
  for (const [overview, run, check] of results) {
    expect(overview).toMatchObject({ state: 'ready' });
    expect(run).toMatchObject({ state: 'succeeded' });
    expect(check).toMatchObject({ ok: true });
  }

  silence.end();
  for (const integration of silent) await integration.untilOnboarding('complete', PATIENCE_MS);
});

const link = ({ api }: ProductTenant, account: string): Promise<Json> =>
  api.must(
    'POST',
    '/v1/integrations?check=false',
    ledgerIntegration(ledger.url, account, { grace_period_ms: 0, by: 'key' }),
  );
const check = ({ api }: ProductTenant, { id }: Json): Promise<Json> =>
  api.must('POST', `/v1/integrations/${id}/check`);

it('rule 60: apps of one tenant that do not answer hold up no push of another tenant', async () => {
  const [tenant, other] = await Promise.all([product.givenTenant(), product.givenTenant('Grace & Co')]);
  const [others, own] = await Promise.all([link(other, 'healthy'), link(tenant, 'silent')]);
  for (let made = 1; made < PUSHING_INTEGRATIONS; made += 1) await link(tenant, `silent-${made}`);
  const silentCalls = () =>
    ledger.calls.filter(({ account, kind }) => account.startsWith('silent') && kind !== 'check');

  await tenant.api.put('p1', { name: 'Ada', rev: 1 });
  await until('the share is used', () => silentCalls().length >= 3);
  await other.api.put('p1', { name: 'Grace', rev: 1 });
  await until('the push has arrived', () => ledger.people('healthy').length === 1, PATIENCE_MS);
  const checks = await Promise.all([check(other, others), check(tenant, own)]);

  expect(silentCalls().map(({ status }) => status)).toEqual([null, null, null]);
  expect(checks).toMatchObject([{ ok: true }, { ok: true }]);

  silence.end();
  await until(
    'every push has succeeded',
    async () => (await tenant.api.list('/v1/record-syncs?status=synced')).length === PUSHING_INTEGRATIONS,
    PATIENCE_MS,
  );
});

it('rule 60: checks of one tenant that are not answered hold up no check of another tenant', async () => {
  const [tenant, other] = await Promise.all([product.givenTenant(), product.givenTenant('Grace & Co')]);
  const others = await link(other, 'responsive');
  const mute: Json[] = [];
  for (let made = 0; made < 7; made += 1) mute.push(await link(tenant, `mute-${made}`));
  const muteCalls = () => ledger.calls.filter(({ account }) => account.startsWith('mute'));

  const checks = Promise.all(mute.map((integration) => check(tenant, integration)));
  await until('the share is used', () => muteCalls().length >= 4);
  expect(await check(other, others)).toMatchObject({ ok: true });
  expect(muteCalls().map(({ status }) => status)).toEqual([null, null, null, null]);

  silence.end();
  expect(await checks).toEqual(mute.map(() => expect.objectContaining({ ok: true })));
});
