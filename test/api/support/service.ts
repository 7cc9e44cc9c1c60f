/** The API on a real database, without a server. Only external services are fakes, typed as the real ones. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import supertest from 'supertest';
import { createApp } from '../../../api/app';
import type { ApiDependencies, ApiSettings } from '../../../api/dependencies';
import { createLog } from '../../../runtime/log';
import { createMetrics } from '../../../api/http/metrics';
import { createPromiseFigures } from '../../../api/http/promise-metrics';
import type { TemporalClient } from '../../../api/temporal-client';
import { createReadiness, type Readiness } from '../../../api/http/readiness';
import { createStreamHub, type StreamHub } from '../../../api/stream/stream-hub';
import { connectors } from '../../../connectors';
import type { CheckIntegrationInput, CheckIntegrationResult } from '../../../contract/integration-check';
import type { EndSubscriptionInput, EndSubscriptionResult } from '../../../contract/webhook-subscription';
import type { OAuthConsentInput } from '../../../contract/oauth-consent';
import { Database } from '../../../db/database';
import { findConsent, saveConsentResult, spendConsent } from '../../../db/integrations/oauth/consents';
import { saveCheck } from '../../../db/sync-runs/checks/save-check';
import { findTrial, saveSamples, saveTrialResult } from '../../../db/integrations/trials';
import type { LastCheck, MappingSamples } from '../../../db/tables/integrations';
import type { ConsentResult } from '../../../db/tables/oauth';
import { fromTypeId } from '../../../db/sql/ids';
import { countParkedWork } from '../../../db/platform/running-work';
import { countStoppedRollouts } from '../../../db/third-parties/stopped-rollouts';
import { oldestOutboxAgeSeconds, readTopicFigures } from '../../../db/platform/outbox-overview';
import { createEncryption, type Encryption } from '../../../db/platform/encryption';
import { openErasureKey } from '../../../db/platform/erasure-key';
import type { EncryptionKey } from '../../../db/platform/encryption-keys';
import { urlCheck } from '../../../egress/egress-policy';
import type { TryResult } from '../../../domain/third-parties/tries';
import { DEFAULT_RETENTION } from '../../../domain/retention';
import { createTestDatabase } from '../../support/environments/database';
import { oneTransactionAtATime } from '../../support/one-transaction-at-a-time';

export const PLATFORM_KEY = 'platform-key-of-the-tests-0123456789';
export const PUBLIC_URL = 'http://syncline.test';

/** Gives the configured answers and records the requests. */
interface FakeTemporalClient extends TemporalClient {
  answer: CheckIntegrationResult | Error;
  words: string;
  problems: NonNullable<LastCheck['problems']>;
  /** What the worker finds when it tries single calls. */
  results: TryResult[];
  /** The requested checks of stored settings. */
  asked: CheckIntegrationInput[];
  /** What the worker finds when it exchanges the code of a consent. */
  consent: ConsentResult;
  /** The requested exchanges. */
  exchanged: OAuthConsentInput[];
  /** The integrations whose webhooks a worker has canceled, and how that ended. */
  ended: EndSubscriptionInput[];
  ending: EndSubscriptionResult['outcome'] | Error;
  /** The requested trials of settings that are not stored yet. */
  tried: CheckIntegrationInput[];
  /** What the worker reads with a proposed mapping; an error: none answers in time. */
  samples: MappingSamples | Error;
}

export interface Caller {
  request(method: Method, path: string): supertest.Test;
  get(path: string): supertest.Test;
  post(path: string, body?: object): supertest.Test;
  put(path: string, body?: object): supertest.Test;
  patch(path: string, body?: object): supertest.Test;
  delete(path: string, body?: object): supertest.Test;
}
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export interface GivenTenant {
  /** On the wire. */
  id: string;
  uuid: string;
  keys: { viewer: string; operator: string; admin: string };
  viewer: Caller;
  operator: Caller;
  admin: Caller;
}

export interface Service {
  app: Express;
  database: Database;
  databaseUrl: string;
  encryption: Encryption;
  temporal: FakeTemporalClient;
  stream: StreamHub;
  readiness: Readiness;
  dependencies: ApiDependencies;
  /** Lines of the log, as text. */
  logged: string[];
  platform: Caller;
  as(key: string | undefined): Caller;
  givenTenant(name?: string): Promise<GivenTenant>;
  close(): Promise<void>;
}

export const newEncryptionKey = (keyId = 'k1'): EncryptionKey => ({ keyId, secret: randomBytes(32) });

export async function startService({
  config,
  databaseUrl,
}: { config?: Partial<ApiSettings>; databaseUrl?: string } = {}): Promise<Service> {
  const testDatabase =
    databaseUrl === undefined
      ? await createTestDatabase()
      : { url: databaseUrl, drop: async () => undefined };
  const encryption = createEncryption({ keys: [newEncryptionKey()] });
  const database = oneTransactionAtATime(
    new Database({
      url: testDatabase.url,
      poolSize: 5,
      statementTimeoutMs: 4_000,
      waitForConnectionMs: 10_000, // on a busy machine
      openErasureKey: (work) => openErasureKey(work, encryption),
    }),
  );
  const logged: string[] = [];
  const log = createLog({
    process: 'api',
    level: 'info',
    destination: { write: (line: string) => void logged.push(line) },
  });
  const temporal = createFakeTemporalClient(database, encryption);
  const stream = createStreamHub({ database, databaseUrl: testDatabase.url, log });
  const readiness = createReadiness({ database });
  const metrics = createMetrics({
    outboxAgeSeconds: () => database.withDispatcher(oldestOutboxAgeSeconds),
    outboxRefusals: async () => 0,
    outboxTopics: () => database.withDispatcher(readTopicFigures),
    parkedWork: () => database.withDispatcher(countParkedWork),
    stoppedRollouts: () => database.withPlatform(countStoppedRollouts),
    openStreams: () => stream.openStreams(),
    promise: createPromiseFigures(database, { keptMs: 0 }),
  });
  const settings = {
    publicUrl: PUBLIC_URL,
    platformKey: PLATFORM_KEY,
    trustedProxies: [],
    rateLimitPerSecond: 10_000,
    companySynchronizedSwitchAt: new Date('2023-10-10T00:00:00Z'),
    answerWithinMs: 4_500,
    operationWaitMs: 50_000,
    integrationsPerTenant: 100,
    recordsPerType: 1_000_000,
    retention: DEFAULT_RETENTION,
    consoleFolder: '/nowhere',
    oidc: null,
    workflowsUrl: null,
    ...config,
  };
  const dependencies: ApiDependencies = {
    database,
    encryption,
    temporal,
    connectors,
    whyUrlIsRefused: urlCheck({ allowCidrs: [], allowHttp: false }),
    config: settings,
    stream,
    readiness,
    metrics,
    log,
  };
  const app = createApp(dependencies);
  const as = (key: string | undefined) => createCaller(app, key);
  const platform = as(PLATFORM_KEY);

  return {
    app,
    database,
    databaseUrl: testDatabase.url,
    encryption,
    temporal,
    stream,
    readiness,
    dependencies,
    logged,
    platform,
    as,
    async givenTenant(name = 'Ada & Sons') {
      const { body: tenant } = await platform
        .post('/v1/tenants', { name, time_zone: 'Europe/Berlin' })
        .expect(201);
      const keyOf = async (role: string) =>
        (
          await platform
            .post(`/v1/tenants/${tenant.id}/api-keys`, { name: `${role} of ${name}`, role })
            .expect(201)
        ).body.key as string;
      const keys = {
        viewer: await keyOf('viewer'),
        operator: await keyOf('operator'),
        admin: await keyOf('admin'),
      };
      return {
        id: tenant.id,
        uuid: fromTypeId('ten', tenant.id) as string,
        keys,
        viewer: as(keys.viewer),
        operator: as(keys.operator),
        admin: as(keys.admin),
      };
    },
    async close() {
      await stream.close();
      await database.close();
      await testDatabase.drop();
    },
  };
}

/** Notes the check as a worker does, in `words`. */
function createFakeTemporalClient(database: Database, encryption: Encryption): FakeTemporalClient {
  return {
    answer: { ok: true },
    words: 'fine',
    problems: [],
    results: [],
    asked: [],
    tried: [],
    samples: {},
    consent: { ok: true, kind: null, message: 'connected' },
    exchanged: [],
    ended: [],
    ending: 'canceled',
    async exchangeConsent(input) {
      this.exchanged.push(input);
      const { tenantId, integrationId, consentId } = input;
      return database.withTenant(tenantId, async (work) => {
        const spent = await spendConsent(work, encryption, { consentId });
        const known = (await findConsent(work, { consentId }))?.result ?? null;
        const late = { ok: false, kind: 'expired', message: 'used before' } as const;
        const result = known ?? (spent === undefined ? late : this.consent);
        await saveConsentResult(work, { consentId, result });
        const check = { at: work.now.toISOString(), ok: true, kind: null, message: 'fine' };
        if (result.ok) await saveCheck(work, { integrationId, check });
        return { ok: result.ok, kind: result.kind };
      });
    },
    async checkIntegration(input) {
      const { integrationId, tenantId, trialId } = input;
      (trialId === undefined ? this.asked : this.tried).push(input);
      const { answer, words, problems, results } = this;
      if (answer instanceof Error) throw answer;
      const kind = answer.ok || answer.kind === 'not_found' ? null : answer.kind;
      await database.withTenant(tenantId, async (work) => {
        const check = { at: work.now.toISOString(), ok: answer.ok, kind, message: words, problems };
        if (trialId === undefined) await saveCheck(work, { integrationId, check });
        else {
          const isTries = (await findTrial(work, { trialId }))?.tries !== null;
          await saveTrialResult(work, { trialId, check: { ...check, ...(isTries && { tried: results }) } });
        }
      });
      return answer;
    },
    async readMappingSamples({ tenantId, trialId }) {
      const { samples } = this;
      if (samples instanceof Error) throw samples;
      await database.withTenant(tenantId, (work) => saveSamples(work, { trialId, samples }));
    },
    async endSubscription(input) {
      this.ended.push(input);
      if (this.ending instanceof Error) throw this.ending;
      return { outcome: this.ending };
    },
    async inspect() {
      return { status: 'ok' };
    },
    async close() {},
  };
}

function createCaller(app: Express, key: string | undefined): Caller {
  const request = (method: Method, path: string) => {
    const test = supertest(app)[method](path);
    return key === undefined ? test : test.set('Authorization', `Bearer ${key}`);
  };
  const sending = (method: Method) => (path: string, body?: object) =>
    body === undefined ? request(method, path) : request(method, path).send(body);
  return {
    request,
    get: (path) => request('get', path),
    post: sending('post'),
    put: sending('put'),
    patch: sending('patch'),
    delete: sending('delete'),
  };
}

/** The API behind a real socket, for what supertest would smooth over. */
export async function listening(app: Express | Server): Promise<{ port: number; close(): Promise<void> }> {
  const server: Server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A SCIM integration that is paused, so that nothing would be pushed. */
export const SCIM_INTEGRATION = {
  connector: 'scim',
  app: 'Example HR',
  account_name: 'Ada & Sons, production',
  config: { base_url: 'https://hr.example.com/scim/v2' },
  credentials: { token: 'canary-token-4711' },
  is_paused: true,
};

export async function givenIntegration(
  tenant: GivenTenant,
  overrides: object = {},
): Promise<{ id: string; etag: string }> {
  const response = await tenant.admin
    .post('/v1/integrations', { ...SCIM_INTEGRATION, ...overrides })
    .expect(201);
  return { id: response.body.id, etag: response.headers.etag as string };
}

/** Every error is problem details with all its parts; answers the code. */
export function expectProblem(response: supertest.Response, status: number, code?: string): void {
  expect({ status: response.status, type: response.headers['content-type'] }).toEqual({
    status,
    type: expect.stringMatching(/^application\/problem\+json/),
  });
  const body = JSON.parse(response.text) as Record<string, unknown>;
  expect(body).toMatchObject({
    status,
    title: expect.any(String),
    detail: expect.any(String),
    request_id: response.headers['x-request-id'],
  });
  expect(body.type).toBe(`${PUBLIC_URL}/docs/errors/${String(body.code)}`);
  if (code !== undefined) expect(body.code).toBe(code);
  expect(response.text).not.toMatch(/node_modules|\.ts:|at \w+ \(/);
}

/** Repeats the expectation for up to 5 s, for what happens beside the answer. */
export async function eventually(expectation: () => Promise<void>): Promise<void> {
  const until = Date.now() + 5_000;
  for (;;) {
    try {
      return await expectation();
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
