/** A pause that one answer asks for holds the batches of all workers (rules.md 34, R9); a real server. */
import { rateLimitedHttp, RateLimitExhausted } from '../../../activities/integrations/rate-limited-http';
import { createRateLimitPermits } from '../../../activities/integrations/rate-limit-permits';
import { recordThirdPartyState, stateAfter } from '../../../activities/integrations/third-party-health';
import type { ConnectorError } from '../../../connectors/errors';
import { findIntegration } from '../../../db/integrations/integrations';
import { OUTAGE_LIMITS } from '../../../domain/retry';
import { closeConnections } from '../../../egress/http-client';
import { aContact, contactsConfig, pushOne, restContext } from '../../connectors/rest/rest-given';
import { loopbackPolicy } from '../../connectors/suite/given';
import {
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../../connectors/suite/scripted-server';
import { GivenTenant, openTestDb, type TestDb } from '../../db/given';

let db: TestDb;
let server: ScriptedServer;
let tenant: GivenTenant;
let integrationId: string;
let answer: ScriptedAnswer;

beforeAll(async () => {
  db = await openTestDb();
  server = await startScriptedServer(() => answer);
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
  server.requests.length = 0;
});
afterAll(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
  await db.end();
});

/** A worker process that pushes a record of a batch that it has claimed. */
function worker(): () => Promise<ConnectorError | undefined> {
  const permits = createRateLimitPermits({
    database: db.database,
    onTrouble: (error) => {
      throw error;
    },
  });
  const config = contactsConfig(server.url, {
    errors: { message: '/message', code: '/code' },
    answers: { rate_limited: ['SLOW_DOWN'] },
  });
  const context = restContext(config);
  const budget = permits(tenant.tenantId, integrationId);
  const { signal } = new AbortController();
  const http = rateLimitedHttp(context.http, { budget, priority: 'push', signal });
  return async () => {
    const result = await pushOne(aContact(), { ...context, http });
    if (result.ok) return undefined;
    const { error } = result;
    const state = stateAfter(error);
    if (state.kind !== 'well')
      await tenant.work(async (work) => {
        const integration = await findIntegration(work, { integrationId });
        if (integration === undefined) throw new Error('There is no integration.');
        await recordThirdPartyState(work, integration, state, { now: work.now, outage: OUTAGE_LIMITS });
      });
    return error;
  };
}

it.each<[string, ScriptedAnswer]>([
  ['that only its body names', { status: 200, body: { code: 'SLOW_DOWN', message: 'Later.' } }],
  ['with a 429 without Retry-After', { status: 429, body: { message: 'Later.' } }],
])('R9: a rate limit %s holds the batches of other workers back', async (_, limited) => {
  answer = { status: 200, body: { items: [] } };
  const [one, other] = [worker(), worker()];
  answer = limited;
  expect(await one()).toMatchObject({ kind: 'rate_limited', retryAfterMs: null });
  const calls = server.requests.length;

  const error = await other();
  expect(error).toBeInstanceOf(RateLimitExhausted);
  expect((error as RateLimitExhausted).retryAfterMs).toBeGreaterThan(20_000);
  expect(server.requests).toHaveLength(calls);
});

it('R9: a 429 without Retry-After holds them back before its own batch has judged it', async () => {
  answer = { status: 429 };
  const permits = () =>
    createRateLimitPermits({ database: db.database, onTrouble: () => undefined })(
      tenant.tenantId,
      integrationId,
    );
  const { signal } = new AbortController();
  const { http } = restContext(contactsConfig(server.url));
  const client = () => rateLimitedHttp(http, { budget: permits(), priority: 'push', signal });
  await client().send({ method: 'GET', url: `${server.url}/contacts` });

  await expect(client().send({ method: 'GET', url: `${server.url}/contacts` })).rejects.toBeInstanceOf(
    RateLimitExhausted,
  );
  expect(server.requests).toHaveLength(1);
});
