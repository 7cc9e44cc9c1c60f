/** Records that refer to each other and go both ways, through the workers (rules.md 64). */
import { RecordRejected } from '../../../connectors/errors';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { OverviewEnvironment } from '../../support/environments/overview-environment';
import { givenPerson } from '../../support/environments/people';
import { BOTH_WAYS, CrmIntegration } from '../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;
beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  tenant = await environment.tenant();
});

const CONTACTS: RecordTypeMapping = {
  ...BOTH_WAYS,
  fields: [
    ...BOTH_WAYS.fields,
    { name: 'boss', to: '/boss/id', ref: { recordType: 'contacts' }, values: {} },
  ],
};
const linked = async (): Promise<CrmIntegration> => {
  const pulled = await CrmIntegration.onboarded(
    tenant,
    { recordTypes: { contacts: CONTACTS }, initialPush: 'all' },
    async (account) => {
      account.readsFirst = true;
      account.showsPushed = true;
      await account.put('contacts', 'p1', { name: 'Ada', boss: { id: 'p2' } });
      await account.put('contacts', 'p2', { name: 'Bob', boss: { id: 'p9' } });
      await environment.sleep(600_000);
    },
  );
  await environment.sleep(600_000);
  return pulled;
};
const edit = (externalId: string, fields: Record<string, string | null>) =>
  tenant.change(externalId, fields, { recordType: 'contacts', kind: 'patch' });

it('bosses arrive under our ids, and nothing is pushed back', async () => {
  const pulled = await linked();

  const bob = await pulled.externalId('p2');
  expect((await pulled.held()).get('p1')?.fields).toEqual({ name: 'Ada', boss: bob });
  expect((await pulled.held()).get('p2')?.fields).toEqual({ name: 'Bob' });
  expect(pulled.account.pushes).toEqual([]);
  const again = await pulled.sync('full');
  expect(await pulled.job(again.syncRunId)).toMatchObject({
    recordsNew: 0,
    recordsChanged: 0,
    recordsFailed: 0,
  });
});

it('an unknown boss is filled in when she arrives, and is neither pushed nor a conflict', async () => {
  const pulled = await linked();
  await pulled.account.put('contacts', 'p9', { name: 'Zoe' });

  await pulled.sync('hourly');
  await environment.sleep(2 * GRACE_MS);

  const zoe = await pulled.externalId('p9');
  expect((await pulled.held()).get('p2')?.fields).toEqual({ name: 'Bob', boss: zoe });
  expect(pulled.account.pushes).toEqual([]);
  expect(await pulled.conflicts()).toEqual([]);
  const again = await pulled.sync('full');
  expect(await pulled.job(again.syncRunId)).toMatchObject({ recordsChanged: 0, recordsFailed: 0 });
});

it('two new contacts who are the boss of each other go there, and come back unchanged', async () => {
  const pulled = await linked();
  await tenant.change('a', { name: 'A', boss: 'b' }, { recordType: 'contacts' });
  await tenant.change('b', { name: 'B', boss: 'a' }, { recordType: 'contacts' });

  await environment.sleep(6 * GRACE_MS);

  expect(pulled.account.held('contacts').get('new-a')).toEqual({ name: 'A', boss: { id: 'new-b' } });
  expect(pulled.account.held('contacts').get('new-b')).toEqual({ name: 'B', boss: { id: 'new-a' } });
  const pushes = pulled.account.pushes.length;
  const again = await pulled.sync('full');
  await environment.sleep(2 * GRACE_MS);
  expect(await pulled.job(again.syncRunId)).toMatchObject({ recordsChanged: 0, recordsFailed: 0 });
  expect(pulled.account.pushes).toHaveLength(pushes);
  expect(await pulled.conflicts()).toEqual([]);
});

it('a boss who is changed there stays, when another field is edited here at the same time', async () => {
  const pulled = await linked();
  const [ada, bob] = [await pulled.externalId('p1'), await pulled.externalId('p2')];
  await pulled.account.put('contacts', 'p1', { name: 'Ada', boss: { id: 'p1' } });
  await edit(ada, { name: 'Ada Lovelace' });

  await environment.sleep(2 * GRACE_MS);

  expect(pulled.account.held('contacts').get('p1')).toEqual({ name: 'Ada Lovelace', boss: { id: 'p1' } });
  await pulled.sync('full');
  expect((await pulled.held()).get('p1')?.fields).toEqual({ name: 'Ada Lovelace', boss: ada });
  expect(bob).not.toBe(ada);
});

it('a boss who is not known here stays there, when another field is edited here', async () => {
  const pulled = await linked();
  await edit(await pulled.externalId('p2'), { name: 'Robert' });

  await environment.sleep(2 * GRACE_MS);

  expect(pulled.account.held('contacts').get('p2')).toEqual({ name: 'Robert', boss: { id: 'p9' } });
});

it('what was pushed is verified in our ids', async () => {
  const pulled = await CrmIntegration.link(tenant, {
    recordTypes: { contacts: { ...CONTACTS, direction: 'push' } },
  });
  await tenant.change('a', { name: 'A', boss: 'b' }, { recordType: 'contacts' });
  await tenant.change('b', { name: 'B' }, { recordType: 'contacts' });
  await environment.sleep(3 * GRACE_MS);
  const drifts = () =>
    environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx.selectFrom('drifts').select(['place', 'expected', 'found']).execute(),
    );

  expect(pulled.account.held('contacts').get('new-a')).toEqual({ name: 'A', boss: { id: 'new-b' } });
  await pulled.sync('nightly');
  expect(await drifts()).toEqual([]);

  await pulled.account.put('contacts', 'new-a', { name: 'A', boss: { id: 'new-a' } });
  await environment.sleep(600_000);
  await pulled.sync('nightly');
  expect(await drifts()).toEqual([{ place: 'boss', expected: { id: 'b' }, found: { id: 'a' } }]);
});

it('a Sync Now ends although a record waits for one that was refused, and names it', async () => {
  const pulled = await CrmIntegration.link(tenant, {
    recordTypes: { contacts: { ...CONTACTS, direction: 'push' } },
    initialPush: 'none',
  });
  pulled.account.beforePush = ({ externalId }) => {
    if (externalId === 'b') throw new RecordRejected('No.', []);
  };
  await tenant.change('a', { name: 'A', boss: 'b' }, { recordType: 'contacts' });
  await tenant.change('b', { name: 'B' }, { recordType: 'contacts' });
  const { personId } = await givenPerson(environment.database, tenant.tenantId, { name: 'Ana' });
  const overviews = new OverviewEnvironment(tenant, pulled.integrationId, {
    requestedBy: 'person:Ana',
    personId,
  });

  const { syncRunId } = await overviews.synced();

  const errors = await pulled.errors(syncRunId);
  expect(Object.fromEntries(errors.map(({ remoteId, code }) => [remoteId, code]))).toEqual({
    a: 'waits',
    b: 'sync_failed',
  });

  pulled.account.beforePush = () => undefined;
  await tenant.change('b', { name: 'Bea' }, { recordType: 'contacts' });
  await environment.sleep(3 * GRACE_MS);
  expect(pulled.account.held('contacts').get('new-a')).toEqual({ name: 'A', boss: { id: 'new-b' } });
});
