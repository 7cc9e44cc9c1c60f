/**
 * Third parties in trouble, real ones where there are (rules.md R9, R10): rate limits in every spelling,
 * answers that are lost, records that the third party cannot take. Waits are the product's own, up to half a
 * minute each, so all scenarios begin together.
 */
import type { RemoteRecord } from '../connectors/suite/harness';
import {
  startToxiproxy,
  startWireMock,
  type Toxiproxy,
  type WireMock,
} from '../support/servers/fault-servers';
import {
  type LedgerCall,
  ledgerIntegration,
  type LedgerServer,
  type Misbehaviour,
  startLedgerServer,
} from '../support/servers/ledger-server';
import {
  type LinkableThirdParty,
  startLinkableKinto,
  startLinkableScim,
} from '../support/environments/linkable';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { until } from '../support/until';

let product: Product;
let toxiproxy: Toxiproxy;
let wireMock: WireMock;
let kinto: LinkableThirdParty;
let scim: LinkableThirdParty;
let ledger: LedgerServer;

const PATIENCE_MS = 120_000;
const fieldsOf = (externalId: string) => ({
  first_name: 'F',
  last_name: externalId,
  email: `${externalId}@example.com`,
});

async function linked(
  integration: Record<string, unknown>,
): Promise<{ tenant: ProductTenant; integrationId: string }> {
  const tenant = await product.givenTenant();
  const { id } = await tenant.api.must('POST', '/v1/integrations', integration);
  return { tenant, integrationId: id as string };
}

const untilSynced = (tenant: ProductTenant, count: number): Promise<unknown> =>
  until(
    `${count} records are synced`,
    async () => (await tenant.api.list('/v1/record-syncs?status=synced')).length === count,
    PATIENCE_MS,
  );

/** The Retry-After of the answer to the first PUT, and how long it has to be obeyed. */
const rateLimits: Record<string, { retryAfter?: string; atLeastMs: number }> = {
  seconds: { retryAfter: '6', atLeastMs: 6_000 },
  // HTTP-dates have whole seconds: the answer's own may be almost over.
  date: {
    retryAfter: `{{now offset='7 seconds' timezone='GMT' format="EEE, dd MMM yyyy HH:mm:ss 'GMT'"}}`,
    atLeastMs: 6_000,
  },
  garbage: { retryAfter: 'soon', atLeastMs: 1_000 },
  none: { atLeastMs: 1_000 },
};

/** Kinto behind WireMock, whose first PUT below `/{kind}` is answered 429. */
async function limit(kind: string): Promise<void> {
  const { retryAfter } = rateLimits[kind] as (typeof rateLimits)[string];
  const proxied = { proxyBaseUrl: `http://127.0.0.1:${kinto.port}`, proxyUrlPrefixToRemove: `/${kind}` };
  await wireMock.stub({ priority: 10, request: { urlPattern: `/${kind}/.*` }, response: proxied });
  const headers = {
    'Content-Type': 'application/json',
    ...(retryAfter === undefined ? {} : { 'Retry-After': retryAfter }),
  };
  await wireMock.stub({
    priority: 1,
    scenarioName: kind,
    requiredScenarioState: 'Started',
    newScenarioState: 'limited',
    request: { method: 'PUT', urlPattern: `/${kind}/.*` },
    response: { status: 429, headers, jsonBody: { message: 'Too many requests.' } },
  });
}

interface Call {
  at: number;
  url: string;
  method: string;
}

async function rateLimitScenario(
  kind: string,
): Promise<{ tenant: ProductTenant; calls: Call[]; statuses: string[] }> {
  await limit(kind);
  const integration = kinto.integration({ grace_period_ms: 0 });
  const config = integration.config as Record<string, unknown>;
  const { tenant, integrationId } = await linked({
    ...integration,
    config: { ...config, base_url: `${wireMock.url}/${kind}/v1`, concurrency: 1 },
  });
  await tenant.api.put(`${kind}-1`, fieldsOf(`${kind}-1`));
  const isBlocked = async () =>
    (await tenant.api.must('GET', `/v1/integrations/${integrationId}`)).blocked_reason === 'rate_limit';
  await until('the rate limit is known', isBlocked);
  // What comes due meanwhile waits as well.
  await tenant.api.put(`${kind}-2`, fieldsOf(`${kind}-2`));
  const statusOf = async (number: number) =>
    (await tenant.api.sync(`${kind}-${number}`, integrationId)).status as string;
  await until('the second waits too', async () => (await statusOf(2)) !== 'sync_pending');
  const statuses = await Promise.all([statusOf(1), statusOf(2)]);
  await untilSynced(tenant, 2);
  const requests = await wireMock.requests({ urlPattern: `/${kind}/.*` });
  return {
    tenant,
    statuses,
    calls: requests.map(({ loggedDate, url, method }) => ({
      at: loggedDate as number,
      url: url as string,
      method: method as string,
    })),
  };
}

interface LostAnswer {
  tenant: ProductTenant;
  /** Whether the record was there while we did not know. */
  wasThere: boolean;
  held: RemoteRecord[];
}

/**
 * A connection is cut after so many bytes of answers: enough for what is asked beforehand, not for an answer
 * that holds this record.
 */
async function lostAnswerStory(
  thirdParty: LinkableThirdParty,
  externalId: string,
  { bytes }: { bytes: number },
): Promise<LostAnswer> {
  const link = await toxiproxy.linkTo(thirdParty.port);
  await link.addToxic('limit_data', { bytes });
  const { tenant } = await linked(thirdParty.integration({ grace_period_ms: 0 }, link.port));
  await tenant.api.put(externalId, { ...fieldsOf(externalId), first_name: 'F'.repeat(600) });
  await until(
    'an attempt has failed',
    async () => (await tenant.api.list('/v1/pushes'))[0]?.attempts > 0,
    PATIENCE_MS,
  );
  const wasThere = (await thirdParty.find(externalId)) !== undefined;
  await link.heal();
  await untilSynced(tenant, 1);
  return {
    tenant,
    wasThere,
    held: (await thirdParty.list()).filter((record) => record.externalId === externalId),
  };
}

/**
 * One record among many that the third party refuses, and one that it fails on, while it is well otherwise.
 */
async function refusalScenario(): Promise<{ tenant: ProductTenant; integrationId: string }> {
  const { tenant, integrationId } = await linked(
    ledgerIntegration(ledger.url, 'refusing', { grace_period_ms: 0, by: 'key' }),
  );
  const records = Array.from({ length: 500 }, (_, index) => ({
    record_type: 'employees',
    external_id: `p-${index}`,
    fields: { name: `P ${index}`, rev: 1 },
  }));
  await tenant.api.must('POST', '/v1/records/batch', { records });
  await until(
    'the others are synced',
    async () => (await tenant.api.list('/v1/record-syncs?status=synced')).length === 498,
    PATIENCE_MS,
  );
  await until(
    'the two have failed',
    async () => (await tenant.api.list('/v1/record-syncs?status=sync_failed')).length === 2,
    PATIENCE_MS,
  );
  return { tenant, integrationId };
}

/** It takes the request and says nothing: the exchange ends after 30 s. */
async function hangScenario(): Promise<{ tenant: ProductTenant }> {
  const { tenant } = await linked(ledgerIntegration(ledger.url, 'hang', { grace_period_ms: 0 }));
  await tenant.api.put('hang', { name: 'H', rev: 1 });
  await untilSynced(tenant, 1);
  return { tenant };
}

function misbehave(call: LedgerCall): Misbehaviour | undefined {
  if (call.account === 'refusing' && call.externalId === 'p-13')
    return {
      kind: 'status',
      status: 422,
      body: { message: 'No.', errors: [{ field: 'name', message: 'is unlucky' }] },
    };
  if (call.account === 'refusing' && call.externalId === 'p-77')
    return { kind: 'status', status: 500, body: { message: 'I fell over it.' } };
  const isFirst = ledger.changes('hang').length <= 1;
  return call.account === 'hang' && call.kind === 'create' && isFirst ? { kind: 'hang' } : undefined;
}

let scenarios: {
  limits: Map<string, ReturnType<typeof rateLimitScenario>>;
  lost: Map<string, Promise<LostAnswer>>;
  refusals: ReturnType<typeof refusalScenario>;
  hang: ReturnType<typeof hangScenario>;
};

beforeAll(async () => {
  [toxiproxy, wireMock, kinto, scim, ledger] = await Promise.all([
    startToxiproxy(),
    startWireMock(),
    startLinkableKinto(),
    startLinkableScim(),
    startLedgerServer(),
  ]);
  ledger.decide = misbehave;
  product = await startProduct();
  scenarios = {
    limits: new Map(Object.keys(rateLimits).map((kind) => [kind, rateLimitScenario(kind)])),
    lost: new Map([
      ['scim2-server', lostAnswerStory(scim, 'lost-scim', { bytes: 1_100 })],
      ['Kinto', lostAnswerStory(kinto, 'lost-kinto', { bytes: 0 })],
    ]),
    refusals: refusalScenario(),
    hang: hangScenario(),
  };
  // Its own test awaits each and reports what went wrong.
  for (const scenario of [
    ...scenarios.limits.values(),
    ...scenarios.lost.values(),
    scenarios.refusals,
    scenarios.hang,
  ])
    scenario.catch(() => undefined);
});

afterAll(async () => {
  await product?.stop();
  await Promise.all([toxiproxy?.stop(), wireMock?.stop(), kinto?.stop(), scim?.stop(), ledger?.stop()]);
});

describe('R9: a rate limit', () => {
  it("does not disturb another tenant's pushes", async () => {
    const { tenant } = await linked(kinto.integration({ grace_period_ms: 0 }));
    await tenant.api.put('undisturbed', fieldsOf('undisturbed'));
    await untilSynced(tenant, 1);

    expect((await tenant.api.list('/v1/pushes')).map(({ result }) => result)).toEqual(['succeeded']);
  });

  it.each(Object.keys(rateLimits))(
    'with %s in Retry-After is obeyed by the whole integration, counts no failed attempt, and ends by itself',
    async (kind) => {
      const { tenant, calls, statuses } = await (scenarios.limits.get(kind) as ReturnType<
        typeof rateLimitScenario
      >);

      const [limited, next] = calls.filter(({ method }) => method === 'PUT');
      expect((next as Call).at - (limited as Call).at).toBeGreaterThanOrEqual(
        (rateLimits[kind] as { atLeastMs: number }).atLeastMs,
      );
      const between = calls.filter(({ at }) => at > (limited as Call).at && at < (next as Call).at);
      expect(between).toEqual([]);
      expect(statuses).toEqual(['syncing', 'syncing']);
      expect(calls.filter(({ method }) => method === 'PUT')).toHaveLength(3);
      expect((await tenant.api.list('/v1/pushes')).map((push) => push.result)).toEqual([
        'succeeded',
        'succeeded',
      ]);
      expect((await kinto.list()).filter((record) => record.externalId.startsWith(`${kind}-`))).toHaveLength(
        2,
      );
    },
    120_000,
  );
});

describe('an answer that is lost', () => {
  it.each(['scim2-server', 'Kinto'])(
    'creates no duplicate at %s, and the push succeeds by itself',
    async (name) => {
      const { tenant, wasThere, held } = await (scenarios.lost.get(name) as Promise<LostAnswer>);

      expect(wasThere).toBe(true);
      expect(held).toHaveLength(1);
      const [push, ...others] = await tenant.api.list('/v1/pushes');
      expect(others).toEqual([]);
      expect(push).toMatchObject({ result: 'succeeded', attempts: expect.any(Number) });
      expect(push.attempts).toBeGreaterThanOrEqual(2);
    },
    120_000,
  );

  it('is waited for 30 s, and then the call is repeated under the same key', async () => {
    const { tenant } = await scenarios.hang;
    const calls = ledger.changes('hang');

    expect(calls).toHaveLength(2);
    // The client counts from its own start; a call arrives at the ledger up to a second after that.
    expect((calls[1] as LedgerCall).at - (calls[0] as LedgerCall).at).toBeGreaterThanOrEqual(29_000);
    expect(new Set(calls.map((call) => call.key)).size).toBe(1);
    expect(calls.map((call) => call.isOverlapping)).toEqual([false, false]);
    expect(await tenant.api.list('/v1/pushes')).toMatchObject([{ result: 'succeeded' }]);
  });
});

describe('R10: a record that the third party cannot take', () => {
  it('delays no other record; a refused record is pushed once, a failing one five times, and both show the reason', async () => {
    const { tenant, integrationId } = await scenarios.refusals;
    const callsFor = (externalId: string) =>
      ledger.changes('refusing').filter((call) => call.externalId === externalId);

    const [refused, failed] = await Promise.all(
      ['p-13', 'p-77'].map((externalId) => tenant.api.sync(externalId, integrationId)),
    );
    expect(ledger.people('refusing')).toHaveLength(498);
    expect(ledger.changes('refusing').filter((call) => call.isEffect)).toHaveLength(498);
    expect(callsFor('p-13')).toHaveLength(1);
    expect(callsFor('p-77')).toHaveLength(5);
    expect(refused.errors).toMatchObject([
      { category: 'rejected_record', field: 'name', message: 'is unlucky' },
    ]);
    expect(failed.errors).toMatchObject([
      { category: 'transient', code: 'http_500', message: expect.stringContaining('500') },
    ]);
    expect((await tenant.api.must('GET', `/v1/integrations/${integrationId}`)).state).toBe('active');
  });
});
