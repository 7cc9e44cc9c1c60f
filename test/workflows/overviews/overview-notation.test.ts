/** Comparisons with a third party that shows pushed values in a notation of its own (rules.md 22, 46; A8). */
import type { JsonObject, JsonValue } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { CONTACTS, CrmIntegration } from '../../support/environments/crm-integration';
import { OverviewEnvironment } from '../../support/environments/overview-environment';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';

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

const MAPPING: RecordTypeMapping = {
  ...CONTACTS,
  direction: 'push',
  fields: [
    { name: 'name', to: '/name' },
    { name: 'born', to: '/born', type: 'date' },
    { name: 'hours', to: '/hours', type: 'number' },
    { name: 'country', to: '/address/country' },
    { name: 'emails', to: '/emails' },
    { to: '/kind', constant: 'person' },
  ],
};
const FIELDS = {
  name: 'Ada Lovelace',
  born: '1990-05-17',
  hours: 38.4,
  country: 'Germany',
  emails: [{ type: 'work', value: 'ada@example.org' }],
};
/** A date with a time, whole numbers, a code, a list with additions. */
const shownAs: Record<string, (value: JsonValue) => JsonValue> = {
  name: (value) => (value as string).toUpperCase(),
  born: (value) => `${value as string} 00:00:00.000Z`,
  hours: (value) => String(Math.round(Number(value))),
  address: (value) => ({ country: (value as JsonObject)['country'] === 'Germany' ? 'DE' : 'FR', zip: null }),
  emails: (value) => (value as JsonObject[]).map((member) => ({ ...member, primary: true })),
  kind: (value) => ({ id: value, label: 'Person' }),
};
const habit = (fields: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shownAs[name]?.(value) ?? value]));

async function givenPushed(
  settings: { mapping?: RecordTypeMapping; showsPushed?: boolean; habit?: typeof habit } = {},
) {
  const pulled = await CrmIntegration.link(
    tenant,
    { recordTypes: { contacts: settings.mapping ?? MAPPING }, initialPush: 'all' },
    (account) => {
      account.habit = settings.habit ?? habit;
      account.showsPushed = settings.showsPushed ?? false;
    },
  );
  await environment.sleep(1_000);
  await tenant.change('c-1', FIELDS, { recordType: 'contacts' });
  await environment.sleep(GRACE_MS * 2);
  expect(pulled.account.pushes).toHaveLength(1);
  await environment.sleep(60_000);
  const overviews = new OverviewEnvironment(tenant, pulled.integrationId, {
    requestedBy: 'person:ana',
    personId: null,
  });
  const compared = async () =>
    (await overviews.items(await overviews.ready())).map(({ action, after }) => ({ action, after }));
  const syncedNow = async () => {
    await overviews.synced(await overviews.ready());
    await environment.sleep(60_000);
  };
  const change = async (fields: JsonObject) => {
    const there = pulled.account.held('contacts').get('new-c-1');
    await pulled.account.put('contacts', 'new-c-1', { ...there, ...fields });
  };
  return { pulled, compared, syncedNow, change };
}

describe('A8: a comparison with values in the notation of the third party', () => {
  it('shows nothing after a push whose answer shows the record', async () => {
    const { compared } = await givenPushed({ showsPushed: true });
    expect(await compared()).toEqual([]);
  });

  it('learns the notation, and then shows each change there', async () => {
    const familiar = (fields: JsonObject) => ({ ...habit(fields), address: fields['address'] ?? null });
    const { compared, syncedNow, change } = await givenPushed({ habit: familiar });
    expect(await compared()).toEqual([]);
    expect(await compared()).toEqual([]);

    await change({ name: 'ada lovelace', hours: '39' });
    expect(await compared()).toEqual([{ action: 'update', after: { name: 'Ada Lovelace', hours: 38.4 } }]);
    await syncedNow();
    expect(await compared()).toEqual([]);
  });

  it('is empty after a Sync Now that did not change what is shown', async () => {
    const { pulled, compared, syncedNow, change } = await givenPushed();
    const difference = [{ action: 'update', after: { address: { country: 'Germany' } } }];
    expect(await compared()).toEqual(difference);
    expect(await compared()).toEqual(difference);
    await syncedNow();
    expect(pulled.account.pushes).toHaveLength(2);
    expect(await compared()).toEqual([]);

    await change({ address: { country: 'FR', zip: null } });
    expect(await compared()).toEqual(difference);
    await syncedNow();
    expect(await compared()).toEqual([]);
  });

  it('shows a field that was edited here, although the third party shows the old notation', async () => {
    const { pulled, compared } = await givenPushed({ showsPushed: true });
    pulled.account.beforePush = () => {
      throw new Error('No push in this test.');
    };
    await tenant.change('c-1', { name: 'Grace' }, { recordType: 'contacts', kind: 'patch' });
    expect(await compared()).toEqual([{ action: 'update', after: { name: 'Grace' } }]);

    const { name: _, ...rest } = FIELDS;
    await tenant.change('c-1', rest, { recordType: 'contacts' });
    expect(await compared()).toEqual([{ action: 'update', after: { name: null } }]);
  });

  it('does not propose a deactivated record again', async () => {
    const { pulled, compared, syncedNow } = await givenPushed({
      mapping: { ...MAPPING, onDelete: 'deactivate' },
      showsPushed: true,
    });
    await tenant.change('c-1', {}, { recordType: 'contacts', kind: 'delete' });
    await environment.sleep(GRACE_MS * 2);
    expect(pulled.account.pushes).toHaveLength(2);
    await environment.sleep(60_000);

    expect(await compared()).toEqual([]);
    await syncedNow();
    expect(pulled.account.pushes).toHaveLength(2);
  });
});
