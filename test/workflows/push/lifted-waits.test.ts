/** What a person does on purpose is tried at once, by one call: rules.md 9, 10, 11, 16 and 34. */
import { Unavailable } from '../../../connectors/errors';
import { saveCheck } from '../../../db/sync-runs/checks/save-check';
import { sealCredentials } from '../../../db/integrations/sealed-credentials';
import {
  changeIntegration,
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
import { jsonAnswer, linkPeople, peopleConfig, PeopleOverHttp } from '../../support/fakes/people-over-http';

const HOUR = 60 * MINUTE;
const NEVER = 'Fri, 31 Dec 9999 23:59:59 GMT';

let environment: PushEnvironment;
let crm: PeopleOverHttp;
let tenant: TestTenant;
let integrationId: string;

beforeAll(async () => {
  environment = await PushEnvironment.create({ http: { send: (request) => crm.send(request) } });
});
afterAll(() => environment.end());
beforeEach(async () => {
  crm = new PeopleOverHttp();
  tenant = await environment.tenant();
  integrationId = await linkPeople(tenant);
});
// What still waits would be sent at the slow rate after a limit, while the next test waits for it.
afterEach(() => inTenant((work) => pauseIntegration(work, { integrationId })));

const inTenant = <T>(work: Parameters<typeof environment.database.withTenant<T>>[1]) =>
  environment.database.withTenant(tenant.tenantId, work);
const hire = (count: number) =>
  tenant.accept(
    ...Array.from({ length: count }, (_, n) => ({ externalId: `e${n}`, fields: { name: `n${n}` } })),
  );
const limit = (retryAfter: string): void => {
  crm.instead = ({ method }) =>
    method === 'GET' ? undefined : { status: 429, headers: { 'retry-after': retryAfter }, text: '' };
};
const writes = () => crm.requests.filter(({ method }) => method !== 'GET').length;
const hoursBlocked = async () => {
  const { blockedUntil } = await inTenant(({ trx }) =>
    trx.selectFrom('integrations').select('blockedUntil').executeTakeFirstOrThrow(),
  );
  return ((blockedUntil?.getTime() ?? 0) - (await environment.now())) / HOUR;
};

const onIntegration: [string, () => Promise<unknown>][] = [
  [
    'new credentials',
    () =>
      inTenant(async (work) => {
        const sealed = { credentials: {}, origins: {} };
        const { encryption } = environment;
        const encryptedCredentials = await sealCredentials(work, encryption, integrationId, sealed);
        await replaceCredentials(work, { integrationId, encryptedCredentials });
      }),
  ],
  [
    'another base URL',
    () =>
      inTenant((work) => {
        const config = { ...peopleConfig(), base_url: 'https://people.example.com/' };
        return changeIntegration(work, { integrationId, change: { config } });
      }),
  ],
  [
    'a pause and a resume',
    async () => {
      await inTenant((work) => pauseIntegration(work, { integrationId }));
      await environment.sleep(1_000);
      await inTenant((work) => resumeIntegration(work, { integrationId }));
    },
  ],
];
const onRecord: typeof onIntegration = [
  ['Push now', () => tenant.act('push_now', integrationId, 'e0')],
  ['Retry now', () => tenant.act('retry', integrationId, 'e0')],
];

describe('a Retry-After of many years', () => {
  it.each([NEVER, '315360000', '99999999999999999999'])(
    'holds pushes back for a day at most (%s)',
    async (retryAfter) => {
      limit(retryAfter);
      await hire(1);
      await environment.sleep(GRACE_MS + 1_000);
      crm.instead = () => undefined;
      await environment.sleep(20 * HOUR);
      expect(crm.people).toEqual([]);

      await environment.sleep(5 * HOUR);

      expect(crm.people).toHaveLength(1);
    },
  );

  it.each([...onIntegration, ...onRecord])('ends at once by %s', async (_action, act) => {
    limit(NEVER);
    await hire(1);
    await environment.sleep(GRACE_MS + MINUTE);
    expect(await hoursBlocked()).toBeGreaterThan(20);
    crm.instead = () => undefined;

    await act();
    await environment.sleep(10_000);

    expect(await tenant.status(integrationId, 'e0')).toBe('synced');
  });

  it('ends at once by a successful check', async () => {
    limit(NEVER);
    await hire(5);
    await environment.sleep(GRACE_MS + 10 * MINUTE);
    crm.instead = () => undefined;

    const check = { at: new Date().toISOString(), ok: true, kind: null, message: '', problems: [] };
    await inTenant((work) => saveCheck(work, { integrationId, check }));
    await environment.sleep(MINUTE);

    expect(crm.people).toHaveLength(5);
  });

  it.each([...onIntegration, ...onRecord])(
    'costs one call after %s if the app still refuses, and holds for the other records again',
    async (_action, act) => {
      limit(NEVER);
      await hire(60);
      await environment.sleep(GRACE_MS + 10 * MINUTE);
      const before = writes();

      await act();
      await environment.sleep(HOUR);

      expect(writes() - before).toBe(1);
      expect(await hoursBlocked()).toBeGreaterThan(20);
    },
  );
});

it('one push is sent before the others when a rate limit ends', async () => {
  limit('600');
  await hire(5);
  await environment.sleep(GRACE_MS + MINUTE);
  const before = writes();
  await environment.sleep(10 * MINUTE);
  expect(writes() - before).toBe(1);

  crm.instead = () => undefined;
  await environment.sleep(30 * MINUTE);

  expect(crm.people).toHaveLength(5);
});

it.each(onIntegration)('an outage is probed at once after %s', async (_action, act) => {
  crm.instead = () => {
    throw new Unavailable('connect ECONNREFUSED');
  };
  await hire(3);
  await environment.sleep(GRACE_MS + HOUR + 7_000);
  crm.instead = () => undefined;

  await act();
  await environment.sleep(2_000);

  expect(crm.people).toHaveLength(3);
});

it.each(onIntegration)(
  'a record that waits two hours for its next attempt is sent after %s',
  async (_action, act) => {
    crm.instead = ({ method }) => (method === 'POST' ? jsonAnswer(500) : undefined);
    await hire(1);
    await environment.sleep(GRACE_MS + 5 * HOUR);
    expect(await tenant.status(integrationId, 'e0')).toBe('sync_failed');
    crm.instead = () => undefined;

    await act();
    await environment.sleep(2_000);

    expect(await tenant.status(integrationId, 'e0')).toBe('synced');
  },
);

it.each(onIntegration)(
  'records that wait hours for their next attempt are sent after %s, behind 300 windows that are due earlier',
  async (_action, act) => {
    crm.instead = ({ method }) => (method === 'POST' ? jsonAnswer(500) : undefined);
    await hire(2); // three would be an outage
    await environment.sleep(GRACE_MS + 5 * HOUR);
    crm.instead = () => undefined;
    await tenant.accept(
      ...Array.from({ length: 300 }, (_, n) => ({ externalId: `later${n}`, fields: { name: `later${n}` } })),
    );

    await act();
    await environment.sleep(10_000);

    expect(crm.people).toHaveLength(2);
  },
);

it('a corrected base URL that accepts the stored credentials needs no new ones', async () => {
  crm.instead = () => jsonAnswer(401);
  await hire(2);
  await environment.sleep(GRACE_MS + MINUTE);
  expect(await tenant.status(integrationId, 'e0')).toBe('syncing');
  crm.instead = () => undefined;

  await inTenant(async (work) => {
    const check = { at: new Date().toISOString(), ok: true, kind: null, message: '', problems: [] };
    await saveCheck(work, { integrationId, check });
    const config = { ...peopleConfig(), base_url: 'https://people.example.com/' };
    await changeIntegration(work, { integrationId, change: { config } });
  });
  await environment.sleep(10_000);

  expect(crm.people).toHaveLength(2);
  expect(await tenant.status(integrationId, 'e0')).toBe('synced');
});
