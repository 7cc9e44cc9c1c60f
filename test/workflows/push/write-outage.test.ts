/** Outages that only pushes notice, and what was given up because of an outage: rules.md 8, 11 and 58. */
import { type ConnectorError, RateLimited, Unavailable } from '../../../connectors/errors';
import type { PushItem } from '../../../connectors/connector';
import {
  GRACE_MS,
  MINUTE,
  PushEnvironment,
  type TestTenant,
} from '../../support/environments/push-environment';
import { eventsOf } from '../../support/clients/events';

const HOUR = 60 * MINUTE;
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

/** Only this test's third party is in trouble. */
function answer(respond: (item: PushItem) => ConnectorError | undefined): void {
  const owner = integrationId;
  environment.ledger.answer = (item, of) => (of === owner ? respond(item) : undefined);
}
const comeBack = (): void => environment.resetLedger();
function goDown(): void {
  const owner = integrationId;
  answer(() => new Unavailable('connect ECONNREFUSED'));
  environment.ledger.checkAnswer = (of) =>
    of === owner ? new Unavailable('connect ECONNREFUSED') : undefined;
}
const names = () => tenant.sent(integrationId).map(({ payload }) => (payload as { name: string }).name);
const ids = (count: number) => Array.from({ length: count }, (_, index) => `e${index}`);
const change = (externalIds: string[], name = 'A') =>
  tenant.accept(
    ...externalIds.map((externalId) => ({ externalId, fields: { name: `${name} ${externalId}` } })),
  );
const statuses = async (externalIds: string[]) =>
  new Set(await Promise.all(externalIds.map((externalId) => tenant.status(integrationId, externalId))));
const integration = () =>
  environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx
      .selectFrom('integrations')
      .select(['outageSince', 'blockedReason', 'isWriteOutage', 'givenUpProbeAt'])
      .where('integrationId', '=', integrationId)
      .executeTakeFirstOrThrow(),
  );

it('rule 34: one record that is answered 429 each time keeps no other one waiting', async () => {
  answer((item) => (item.externalId === 'e0' ? new RateLimited('Too many requests', 10_000) : undefined));
  // An edit of one record comes before a change of many.
  await change(['e0']);
  await change(ids(60).slice(1));
  await environment.sleep(GRACE_MS + 2 * MINUTE);

  expect(await statuses(ids(60).slice(1))).toEqual(new Set(['synced']));
  expect(await statuses(['e0'])).toEqual(new Set(['syncing']));
});

describe('rule 58: an outage is also writes that fail', () => {
  it.each([
    ['503', () => new Unavailable('Service Unavailable', 503)],
    ['a web page with 502', () => new Unavailable('The answer is not JSON: <html>Bad Gateway</html>', 502)],
    ['a reset connection', () => new Unavailable('read ECONNRESET')],
    ['no answer in time', () => new Unavailable('No answer within 30 s.')],
  ])('leaves no record Sync failed after two minutes in which writes got %s', async (_title, error) => {
    const records = ids(50);
    answer(error);
    await change(records);
    await environment.sleep(GRACE_MS + 2 * MINUTE);
    expect(await statuses(records)).toEqual(new Set(['syncing']));
    expect(await integration()).toMatchObject({ blockedReason: 'outage', isWriteOutage: true });

    comeBack();
    await environment.sleep(6 * MINUTE);

    expect(await statuses(records)).toEqual(new Set(['synced']));
    expect(names()).toHaveLength(50);
    expect(await integration()).toMatchObject({
      outageSince: null,
      blockedReason: null,
      isWriteOutage: false,
    });
  });

  it('tries one push at a time while writes fail, and sends the rest as soon as one succeeds', async () => {
    const records = ids(120);
    answer(() => new Unavailable('Service Unavailable', 503));
    await change(records);
    await environment.sleep(GRACE_MS + HOUR);

    const { refusals, checks } = environment.ledger;
    expect(refusals + checks).toBeLessThanOrEqual(25);
    expect(await tenant.recordSync(integrationId, 'e7')).toMatchObject({
      status: 'sync_failed',
      errors: [{ code: 'unreachable' }],
    });
    expect((await tenant.notifications()).map(({ kind }) => kind)).toEqual(['integration_unavailable']);

    let probes = 0;
    answer(() => {
      probes += 1;
      return probes === 1 ? new Unavailable('Service Unavailable', 503) : undefined;
    });
    await environment.sleep(12 * MINUTE);
    expect(new Set(names()).size).toBe(120);
    expect(names()).toHaveLength(120);
    expect((await tenant.notifications())[0]?.resolvedAt).not.toBeNull();
  });

  it('delays other records by no more than one probe if several records fail for good', async () => {
    const bad = ids(12);
    answer((item) => (bad.includes(item.externalId) ? new Unavailable('Oops', 500) : undefined));
    await change(bad);
    await environment.sleep(GRACE_MS + HOUR);
    for (const good of ['good1', 'good2']) {
      await change([good]);
      await environment.sleep(GRACE_MS + 6 * MINUTE);
      expect(await tenant.status(integrationId, good)).toBe('synced');
    }

    comeBack();
    await environment.sleep(3 * HOUR);
    expect(await statuses(bad)).toEqual(new Set(['synced']));
  });

  it('is no outage while successes come between the failures', async () => {
    answer((item) => (item.operation === 'deactivate' ? new Unavailable('Oops', 500) : undefined));
    await change(['e1', 'e2']);
    await environment.sleep(GRACE_MS + 1_000);
    await tenant.accept({ externalId: 'e1', kind: 'delete' });
    await environment.sleep(GRACE_MS + 10 * MINUTE);
    await change(['e3']);
    await environment.sleep(GRACE_MS + 10 * MINUTE);
    await tenant.accept({ externalId: 'e2', kind: 'delete' });
    await environment.sleep(GRACE_MS + MINUTE);

    expect(await integration()).toMatchObject({ outageSince: null });
    comeBack();
    await environment.sleep(3 * HOUR);
    expect(tenant.sent(integrationId).filter(({ operation }) => operation === 'deactivate')).toHaveLength(2);
  });
});

describe('rule 8: one record that gets no answer', () => {
  it('slows down to hours, and is synced without an act of a person after a night of errors', async () => {
    answer((item) => (item.externalId === 'e1' ? new Unavailable('Internal Server Error', 500) : undefined));
    await change(['e1']);
    await environment.sleep(GRACE_MS + 10 * HOUR);
    const waiting = await tenant.recordSync(integrationId, 'e1');
    expect(waiting).toMatchObject({ status: 'sync_failed', errors: [{ code: 'http_500' }] });
    expect(waiting?.nextAttemptAt).not.toBeNull();
    expect(environment.ledger.refusals).toBeLessThan(20);

    comeBack();
    await environment.sleep(2 * HOUR);

    expect(names()).toEqual(['A e1']);
    expect(await tenant.status(integrationId, 'e1')).toBe('synced');
  });

  it('is given up after 72 hours, with one event', async () => {
    answer((item) => (item.externalId === 'e1' ? new Unavailable('Internal Server Error', 500) : undefined));
    await change(['e1']);
    await environment.sleep(GRACE_MS + 71 * HOUR);
    expect((await tenant.recordSync(integrationId, 'e1'))?.nextAttemptAt).not.toBeNull();
    expect(await eventsOf(tenant, 'RECORD_SYNC_FAILED')).toHaveLength(0);

    await environment.sleep(2 * HOUR);

    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      status: 'sync_failed',
      nextAttemptAt: null,
    });
    expect(await eventsOf(tenant, 'RECORD_SYNC_FAILED')).toHaveLength(1);
  });
});

describe('rule 58: the end of an outage', () => {
  it('is the moment in which its last push is given up; the next outage counts from its own beginning', async () => {
    environment.limit({ giveUpAfterMs: 6 * HOUR });
    goDown();
    await change(ids(3));
    await environment.sleep(7 * HOUR);
    expect(await statuses(ids(3))).toEqual(new Set(['sync_failed']));
    expect(await integration()).toMatchObject({ outageSince: null, blockedReason: null });

    await change(['e9']);
    await environment.sleep(GRACE_MS + 10 * MINUTE);
    expect(await tenant.status(integrationId, 'e9')).toBe('syncing');
    await environment.sleep(10 * MINUTE);
    expect(await tenant.status(integrationId, 'e9')).toBe('sync_failed');
  });

  it('sends by itself what was given up because of the outage, once', async () => {
    environment.limit({ giveUpAfterMs: 6 * HOUR });
    goDown();
    await change(ids(30));
    await environment.sleep(8 * HOUR);
    expect(await eventsOf(tenant, 'RECORD_SYNC_FAILED')).toHaveLength(1);
    // This one has a newer change of its own.
    await change(['e3'], 'B');

    comeBack();
    await environment.sleep(2 * HOUR);

    expect(await statuses(ids(30))).toEqual(new Set(['synced']));
    expect(names()).toHaveLength(30);
    expect(names()).toContain('B e3');
    expect(await integration()).toMatchObject({ givenUpProbeAt: null });
  });

  it('sends what was given up although no other record changes, and does not try while the third party is down', async () => {
    environment.limit({ giveUpAfterMs: 6 * HOUR });
    goDown();
    await change(ids(5));
    await environment.sleep(30 * HOUR);
    const { refusals, checks } = environment.ledger;
    expect(refusals + checks).toBeLessThan(120);

    comeBack();
    await environment.sleep(2 * HOUR);

    expect(names().toSorted()).toEqual(ids(5).map((id) => `A ${id}`));
  });
});
