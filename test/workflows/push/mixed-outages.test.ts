/** Outages that meet refused credentials or rate limits, or concern only some pushes: rules 8, 10 and 58. */
import { type ConnectorError, RateLimited, Unauthorized, Unavailable } from '../../../connectors/errors';
import type { PushItem } from '../../../connectors/connector';
import {
  pauseIntegration,
  replaceCredentials,
  resumeIntegration,
} from '../../../db/sync-runs/integration-lifecycle';
import {
  GRACE_MS,
  MINUTE,
  PushEnvironment,
  type TestTenant,
} from '../../support/environments/push-environment';

let environment: PushEnvironment;
let tenant: TestTenant;
let integrationId: string;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  environment.limit();
  tenant = await environment.tenant();
  integrationId = await tenant.integration();
});

/** Only this test's third party is in trouble; its `check` answers as its pushes do, or as said. */
function answer(respond: (item: PushItem) => ConnectorError | undefined, check?: () => ConnectorError): void {
  const owner = integrationId;
  environment.ledger.answer = (item, of) => (of === owner ? respond(item) : undefined);
  environment.ledger.checkAnswer = (of) => (of === owner ? check?.() : undefined);
}
const noAnswer = () => new Unavailable('connect ECONNREFUSED');
const change = (externalIds: string[], name = 'A') =>
  tenant.accept(
    ...externalIds.map((externalId) => ({ externalId, fields: { name: `${name} ${externalId}` } })),
  );
const integration = () =>
  environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx
      .selectFrom('integrations')
      .select(['outageSince', 'blockedReason', 'isWriteOutage', 'needsReauthorizationAt'])
      .where('integrationId', '=', integrationId)
      .executeTakeFirstOrThrow(),
  );
const newCredentials = () =>
  environment.database.withTenant(tenant.tenantId, (work) =>
    replaceCredentials(work, { integrationId, encryptedCredentials: null as never }),
  );

describe('an outage in which credentials are refused', () => {
  it('is over: the third party answers, and a later outage counts from its own beginning', async () => {
    answer(noAnswer, noAnswer);
    await change(['e1']);
    await environment.sleep(GRACE_MS + 20 * MINUTE);
    expect((await tenant.notifications()).map(({ kind }) => kind)).toEqual(['integration_unavailable']);

    const refusal = () => new Unauthorized('401');
    answer(refusal, refusal);
    await environment.sleep(10 * MINUTE);
    expect(await integration()).toMatchObject({
      needsReauthorizationAt: expect.any(Date),
      outageSince: null,
      isWriteOutage: false,
    });
    const notices = await tenant.notifications();
    expect(notices.find(({ kind }) => kind === 'integration_unavailable')?.resolvedAt).not.toBeNull();

    answer(noAnswer, noAnswer);
    await newCredentials();
    await environment.sleep(5 * MINUTE);
    await change(['e2']);
    await environment.sleep(GRACE_MS + MINUTE);
    expect(await tenant.status(integrationId, 'e2')).toBe('syncing');
  });
});

describe('a rate limit after an outage', () => {
  it('leaves new changes Syncing', async () => {
    answer(noAnswer, noAnswer);
    await change(['e1']);
    await environment.sleep(GRACE_MS + 20 * MINUTE);
    expect(await tenant.status(integrationId, 'e1')).toBe('sync_failed');

    answer(() => new RateLimited('Too many requests', 60 * MINUTE));
    await environment.sleep(10 * MINUTE);
    expect(await integration()).toMatchObject({ blockedReason: 'rate_limit' });
    await change(['e2']);
    await environment.sleep(GRACE_MS + MINUTE);
    expect(await tenant.recordSync(integrationId, 'e2')).toMatchObject({ status: 'syncing', errors: null });
  });
});

describe('an outage that some answers call a rate limit', () => {
  /** @returns how many calls there were. */
  function answerInTurns(): () => number {
    let calls = 0;
    answer(() => {
      calls += 1;
      return calls % 2 === 1
        ? new RateLimited('Service Unavailable', MINUTE, true)
        : new Unavailable('Service Unavailable', 503);
    });
    return () => calls;
  }

  it('counts from its beginning until a push succeeds', async () => {
    answer(() => new Unavailable('Service Unavailable', 503));
    const records = ['e1', 'e2', 'e3', 'e4', 'e5', 'e6'];
    await change(records);
    await environment.sleep(GRACE_MS + 10_000);
    const { outageSince } = await integration();
    expect(outageSince).not.toBeNull();
    answerInTurns();
    await environment.sleep(25 * MINUTE);
    expect(await integration()).toMatchObject({ outageSince });
    for (const externalId of records)
      expect(await tenant.status(integrationId, externalId)).toBe('sync_failed');
    expect((await tenant.notifications()).map(({ kind }) => kind)).toEqual(['integration_unavailable']);

    environment.resetLedger();
    await environment.sleep(10 * MINUTE);
    for (const externalId of records) expect(await tenant.status(integrationId, externalId)).toBe('synced');
    expect(await integration()).toMatchObject({ outageSince: null, blockedReason: null });
  });

  it('is noticed, although its first answers alternate', async () => {
    const calls = answerInTurns();
    const records = Array.from({ length: 12 }, (_, index) => `e${index}`);
    await change(records);
    await environment.sleep(GRACE_MS + 10 * MINUTE);
    expect(await integration()).toMatchObject({ outageSince: expect.any(Date), isWriteOutage: true });
    await environment.sleep(30 * MINUTE);
    expect(calls()).toBeLessThan(40);
    for (const externalId of records)
      expect(await tenant.status(integrationId, externalId)).toBe('sync_failed');
    expect((await tenant.notifications()).map(({ kind }) => kind)).toEqual(['integration_unavailable']);

    environment.resetLedger();
    await environment.sleep(10 * MINUTE);
    for (const externalId of records) expect(await tenant.status(integrationId, externalId)).toBe('synced');
  });
});

describe('an outage that a call in progress notices after a pause', () => {
  it('counts from the resume, and not from a later instant', async () => {
    const inTenant = environment.database.withTenant.bind(environment.database, tenant.tenantId);
    await inTenant((work) => pauseIntegration(work, { integrationId }));
    await environment.sleep(30_000);
    await inTenant(({ trx, now }) =>
      trx
        .updateTable('integrations')
        .set({ outageSince: now, blockedReason: 'outage', blockedUntil: now })
        .where('integrationId', '=', integrationId)
        .execute(),
    );
    await environment.sleep(60 * MINUTE);
    const resumedAt = await inTenant(async (work) => {
      await resumeIntegration(work, { integrationId });
      return work.now;
    });
    expect((await integration()).outageSince).toEqual(resumedAt);
  });
});

describe('a third party that refuses creations only', () => {
  it('makes them Sync failed while other changes succeed, and gets them once it creates again', async () => {
    await change(['known']);
    await environment.sleep(GRACE_MS + MINUTE);
    answer(({ remoteId }) => (remoteId === null ? new Unavailable('Internal error', 500) : undefined));
    const creations = ['e1', 'e2', 'e3', 'e4'];
    await change(creations);
    for (let edit = 0; edit < 12; edit += 1) {
      await change(['known'], `edit ${edit}`);
      await environment.sleep(GRACE_MS + 6 * MINUTE);
      expect(await tenant.status(integrationId, 'known')).toBe('synced');
    }
    for (const externalId of creations)
      expect(await tenant.recordSync(integrationId, externalId)).toMatchObject({
        status: 'sync_failed',
        nextAttemptAt: expect.any(Date),
      });

    environment.resetLedger();
    await environment.sleep(180 * MINUTE);
    for (const externalId of creations) expect(await tenant.status(integrationId, externalId)).toBe('synced');
  });
});
