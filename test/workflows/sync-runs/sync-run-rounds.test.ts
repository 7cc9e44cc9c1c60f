/** Third parties that change each other's values, on skipped time (rule 46; A7). */
import type { JsonObject, JsonValue } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { BOTH_WAYS, CrmIntegration } from '../../support/environments/crm-integration';
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
  ...BOTH_WAYS,
  fields: [
    { name: 'name', to: '/name' },
    { name: 'country', to: '/country' },
  ],
};
type Habit = (value: JsonValue) => JsonValue;
const CODES: Record<string, string> = { Germany: 'DE', France: 'FR', Spain: 'ES', Italy: 'IT' };
const code: Habit = (value) => CODES[value as string] ?? value;
const name: Habit = (value) => Object.keys(CODES).find((key) => CODES[key] === value) ?? value;
const lower: Habit = (value) => (value as string).toLowerCase();
const upper: Habit = (value) => (value as string).toUpperCase();
const none: Habit = (value) => value;

const linked = (habit: Habit): Promise<CrmIntegration> =>
  CrmIntegration.onboarded(tenant, { recordTypes: { contacts: MAPPING }, initialPush: 'all' }, (account) => {
    account.habit = (fields: JsonObject) =>
      fields['country'] === undefined ? fields : { ...fields, country: habit(fields['country']) };
  });

/** Reads both third parties in turn, and lets the pushes end. @returns the pushes so far. */
async function exchange(both: readonly CrmIntegration[], times = 1): Promise<number> {
  for (let turn = 0; turn < times; turn += 1)
    for (const one of both) {
      await environment.sleep(GRACE_MS * 2);
      await one.sync('full');
    }
  await environment.sleep(GRACE_MS * 2);
  return both.reduce((sum, { account }) => sum + account.pushes.length, 0);
}
const edit = (fields: JsonObject) => tenant.change('c-1', fields, { recordType: 'contacts', kind: 'patch' });
const fieldsOf = () =>
  environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx.selectFrom('records').select('fields').where('externalId', '=', 'c-1').executeTakeFirst(),
  );

describe('A7: two third parties that normalise a field differently', () => {
  it.each<[string, Habit, Habit]>([
    ['a code and a name', code, name],
    ['values that grow', (value) => `${value as string} GmbH`, (value) => `The ${value as string}`],
  ])('stop after three rounds, as a conflict: %s', async (_what, one, other) => {
    const both = [await linked(one), await linked(other)];
    await tenant.change('c-1', { name: 'Ada', country: 'Germany' }, { recordType: 'contacts' });
    const pushes = await exchange(both, 6);

    expect(await exchange(both, 2)).toBe(pushes);
    const conflicts = (await Promise.all(both.map((each) => each.conflicts()))).flat();
    expect(conflicts).toMatchObject([
      { kind: 'field_keeps_changing', field: 'country', winner: 'ours', state: 'open' },
    ]);
    for (const { integrationId } of both) expect(await tenant.status(integrationId, 'c-1')).toBe('synced');

    // Other fields, and changes of the field, still get through.
    await edit({ name: 'Grace' });
    await exchange(both);
    await edit({ country: 'France' });
    await environment.sleep(GRACE_MS * 2);
    for (const [index, { account }] of both.entries())
      expect(account.held('contacts').get('new-c-1')).toEqual({
        name: 'Grace',
        country: [one, other][index]?.('France'),
      });
  });

  it('never begin if their notations are known as such', async () => {
    const both = [await linked(lower), await linked(upper)];
    await tenant.change('c-1', { name: 'Ada', country: 'Germany' }, { recordType: 'contacts' });
    expect(await exchange(both, 4)).toBe(2);
    expect((await fieldsOf())?.fields).toMatchObject({ country: 'Germany' });
  });

  it('are not assumed where a caller changes the field each time', async () => {
    const both = [await linked(code), await linked(none)];
    await tenant.change('c-1', { name: 'Ada', country: 'Germany' }, { recordType: 'contacts' });
    for (const country of ['Germany', 'France', 'Spain', 'Italy', 'Germany', 'France']) {
      await edit({ country });
      await exchange(both, 2);
      expect((await fieldsOf())?.fields).toMatchObject({ country: code(country) });
    }
    expect(await both[0]?.conflicts()).toEqual([]);
  });

  it('are not assumed where people change the field in both in turn', async () => {
    const both = [await linked(lower), await linked(none)] as const;
    await tenant.change('c-1', { name: 'Ada', country: 'Germany' }, { recordType: 'contacts' });
    await exchange(both);
    for (let turn = 0; turn < 5; turn += 1) {
      const { account } = both[turn % 2] as CrmIntegration;
      const held = account.held('contacts').get('new-c-1');
      await account.put('contacts', 'new-c-1', { ...held, country: `country ${turn}` });
      await exchange(both, 2);
      expect((await fieldsOf())?.fields).toMatchObject({ country: `country ${turn}` });
    }
    expect([...(await both[0].conflicts()), ...(await both[1].conflicts())]).toEqual([]);
  });
});
