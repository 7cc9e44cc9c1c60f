/** Records that several integrations or callers hold, on skipped time (rules.md 50). */
import { countLinked } from '../../../db/records/record-links';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { BOTH_WAYS, CONTACTS, fill, CrmIntegration } from '../../support/environments/crm-integration';

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

const MATCHED = { ...CONTACTS, matchBy: 'email' };
const linked = async (mapping = MATCHED) => {
  const pulled = await CrmIntegration.onboarded(
    tenant,
    { recordTypes: { contacts: mapping }, initialPush: 'all' },
    fill(environment, 3),
  );
  await environment.sleep(600_000);
  return pulled;
};
const lose = async ({ account }: CrmIntegration) => account.remove('contacts', 'p001');
const ofCaller = () =>
  tenant.change('c1', { name: 'p001', email: 'p001@example.org' }, { recordType: 'contacts' });
const isDeleted = async (externalId: string): Promise<boolean | undefined> => {
  const row = await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx.selectFrom('records').select('deletedAt').where('externalId', '=', externalId).executeTakeFirst(),
  );
  return row === undefined ? undefined : row.deletedAt !== null;
};
const links = ({ integrationId }: CrmIntegration): Promise<number> =>
  countLinked((count) => environment.database.withTenant(tenant.tenantId, count), {
    integrationId,
    recordType: 'contacts',
  });

describe('rule 50: a record that one integration no longer lists', () => {
  it.each([MATCHED, { ...BOTH_WAYS, matchBy: 'email' }])(
    'B1: stays while another integration reads it ($direction)',
    async (mapping) => {
      const a = await linked();
      const b = await linked(mapping);
      const externalId = await a.externalId('p001');
      expect(await b.externalId('p001')).toBe(externalId);

      await lose(a);
      const run = await a.sync('nightly');
      await b.sync('nightly');

      expect(await a.job(run.syncRunId)).toMatchObject({ recordsDeleted: 0 });
      expect(await isDeleted(externalId)).toBe(false);
      expect([await links(a), await links(b)]).toEqual([2, 3]);
      expect(await a.differences()).toEqual([]);
    },
  );

  it('B1: is deleted by the integration that created it once the other one has lost it', async () => {
    const a = await linked();
    const b = await linked();
    const externalId = await a.externalId('p001');
    await lose(b);
    await b.sync('nightly');
    expect(await isDeleted(externalId)).toBe(false);
    await lose(a);
    await a.sync('nightly');
    expect(await isDeleted(externalId)).toBe(true);
  });

  it('B1: stays if a caller created it, and is linked again when it is listed again', async () => {
    await ofCaller();
    const a = await linked();
    await lose(a);
    await a.sync('nightly');
    expect(await isDeleted('c1')).toBe(false);
    expect(await links(a)).toBe(2);

    await a.account.put('contacts', 'p001', { name: 'Back', email: 'p001@example.org' });
    await a.sync('nightly');
    expect(await a.externalId('p001')).toBe('c1');
    expect((await a.held()).get('p001')).toMatchObject({ fields: { name: 'Back' } });
  });

  it('B1: is created there again by an edit only', async () => {
    await ofCaller();
    const a = await linked({ ...BOTH_WAYS, matchBy: 'email' });
    await lose(a);
    await a.sync('nightly');
    await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx
        .updateTable('integrations')
        .set({ backfillReason: 'initial' })
        .where('integrationId', '=', a.integrationId)
        .execute(),
    );
    await environment.sleep(GRACE_MS * 2);
    await a.sync('nightly');
    expect(await isDeleted('c1')).toBe(false);
    expect(a.account.pushes).toEqual([]);

    await tenant.change('c1', { name: 'Edited' }, { recordType: 'contacts', kind: 'patch' });
    await environment.sleep(GRACE_MS * 2);
    expect(a.account.pushes.map(({ externalId }) => externalId)).toEqual(['c1']);
    expect(await tenant.status(a.integrationId, 'c1')).toBe('synced');
  });
});
