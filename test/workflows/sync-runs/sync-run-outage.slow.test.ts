/** An outage of 13 hours at the limits of production: rules.md 11, 38, R8. */
import { Unavailable } from '../../../connectors/errors';
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import {
  BOTH_WAYS,
  CONTACTS,
  fill,
  people,
  CrmIntegration,
} from '../../support/environments/crm-integration';

const HOUR = 3_600_000;
let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
  tenant = await environment.tenant();
});
afterAll(() => environment.end());

const refuse = () => {
  throw new Unavailable('connect ECONNREFUSED');
};
const answer = () => undefined;

describe('rule 11: a third party that is down', () => {
  it('for 13 h is called at most 200 times in all, pushes included, and then everything is synced once (R8)', async () => {
    const types = Array.from({ length: 6 }, (_, index) => `type_${index}`);
    const recordTypes = { ...Object.fromEntries(types.map((type) => [type, CONTACTS])), contacts: BOTH_WAYS };
    const pulled = await CrmIntegration.onboarded(
      tenant,
      { recordTypes, initialPush: 'all' },
      async (account) => {
        for (const type of types) account.type(type);
        await fill(environment, 5)(account);
      },
    );
    await environment.sleep(600_000);
    const before = pulled.account.calls;
    Object.assign(pulled.account, { beforePage: refuse, beforePush: refuse, beforeCheck: refuse });
    const pushed = people(500).map((id) => ({
      externalId: `our-${id}`,
      recordType: 'contacts',
      fields: { name: id },
    }));
    await tenant.accept(...pushed);
    const syncRunId = await pulled.begin('nightly');
    await environment.sleep(13 * HOUR);
    expect(pulled.account.calls - before).toBeLessThanOrEqual(200);
    expect(await pulled.run(syncRunId)).toMatchObject({
      isSyncFinished: false,
      state: 'waiting',
      milestones: [expect.any(Date)],
    });
    expect(await pulled.notifications('integration_unavailable')).toHaveLength(1);

    pulled.account.pushes.length = 0;
    Object.assign(pulled.account, { beforePage: answer, beforePush: answer, beforeCheck: answer });
    await environment.sleep(HOUR);
    await pulled.settle();
    expect((await pulled.run(syncRunId)).state).toBe('succeeded');
    expect(pulled.account.pushes.map(({ externalId }) => externalId).sort()).toEqual(
      pushed.map(({ externalId }) => externalId),
    );
    await environment.sleep(HOUR);
    await pulled.sync('full');
    expect(await pulled.differences()).toEqual([]);
  }, 240_000);
});
