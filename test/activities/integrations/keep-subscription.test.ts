/** Subscriptions to the webhooks of an app. */
import { randomBytes } from 'node:crypto';
import { keepSubscription } from '../../../activities/integrations/keep-subscription';
import {
  findAddress,
  saveWebhookSecret,
  webhookSecretLocation,
} from '../../../db/integrations/incoming/addresses';
import {
  incomingAddressLocation,
  replaceIncomingAddress,
} from '../../../db/integrations/incoming/incoming-addresses';
import { createEncryption } from '../../../db/platform/encryption';
import { rotateDataKeys } from '../../../db/rotate-keys';
import { GivenTenant, openTestDb, type TestDb } from '../../db/given';

const encryption = createEncryption({ keys: [{ keyId: 'k1', secret: randomBytes(32) }] });
const ENDS_AT = new Date('2040-01-01T00:00:00Z');
const silent = { info() {}, warn() {}, error() {} };
let db: TestDb;
beforeAll(async () => (db = await openTestDb()));
afterAll(() => db.end());

it.each([
  [
    'is stored although the data keys are rotated meanwhile',
    async () => {
      await db.superuser(`update tenant_keys set created_at = now() - interval '2 days'`);
      expect(await rotateDataKeys(db.database, encryption, () => undefined)).toMatchObject({ secrets: 2 });
    },
    ['s1'],
  ],
  ['is not stored if its secret is replaced meanwhile', (given: Given) => given.saveSecret('other'), null],
])('a subscription %s', async (_, meanwhile, stored) => {
  const given = await givenAddress();
  const connector = {
    incoming: () => ({ isSubscribed: true, recordTypes: ['employees'] }),
    async subscribe() {
      await meanwhile(given);
      return { ids: ['s1'], endsAt: ENDS_AT };
    },
  };

  await keepSubscription({
    database: db.database,
    encryption,
    log: silent,
    tenantId: given.tenant.tenantId,
    integration: {
      integrationId: given.integrationId,
      recordTypes: { employees: { direction: 'pull', fields: [], onDelete: 'leave' } },
    },
    opened: { connector, context: { config: {} } } as never,
  });

  const address = await given.tenant.work((work) =>
    findAddress(work, { integrationId: given.integrationId }),
  );
  expect(address?.subscriptionIds).toEqual(stored);
});

type Given = Awaited<ReturnType<typeof givenAddress>>;

async function givenAddress() {
  const tenant = await GivenTenant.create(db);
  const integrationId = await tenant.integration();
  const saveSecret = (secret: string) =>
    tenant.work(async (work) => {
      const location = webhookSecretLocation({ integrationId });
      await saveWebhookSecret(
        work,
        { integrationId },
        { secret: await encryption.encrypt(work, location, secret) },
      );
    });
  await tenant.work(async (work) => {
    const address = await encryption.encrypt(
      work,
      incomingAddressLocation(integrationId),
      'https://s.test/in/1',
    );
    await replaceIncomingAddress(work, { integrationId, tokenHash: randomBytes(32), address });
  });
  await saveSecret('secret of the webhooks');
  return { tenant, integrationId, saveSecret };
}
