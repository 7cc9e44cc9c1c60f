/** How many calls a push queue makes at once, and when people see their results (rules 59 and 60). */
import { setTimeout as pause } from 'node:timers/promises';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { until } from '../../support/until';

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

const acceptMany = (count: number) =>
  tenant.accept(
    ...Array.from({ length: count }, (_, index) => ({ externalId: `e${index}`, fields: { name: 'A' } })),
  );
const settle = () => environment.sleep(GRACE_MS + 1_000);
const countSynced = (integrationId: string): Promise<number> =>
  environment.database.withTenant(tenant.tenantId, async ({ trx }) => {
    const synced = await trx
      .selectFrom('recordSyncs')
      .select('recordId')
      .where('integrationId', '=', integrationId)
      .where('status', '=', 'synced')
      .execute();
    return synced.length;
  });

it('rule 60: records show Synced while one of their batch still waits for the third party', async () => {
  const integrationId = await tenant.integration();
  let calls = 0;
  let shown = 0;
  environment.ledger.answer = async (_item, owner) => {
    if (owner !== integrationId || (calls += 1) !== 10) return undefined;
    for (let tries = 0; tries < 100 && shown < 9; tries += 1) {
      await pause(50);
      shown = await countSynced(integrationId);
    }
    return undefined;
  };
  await acceptMany(20);
  await settle();

  expect(shown).toBe(9);
  expect(await countSynced(integrationId)).toBe(20);
});

it('rule 60: an app with a concurrency of 1 never gets two calls at the same time', async () => {
  const integrationId = await tenant.integration();
  await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx
      .updateTable('integrations')
      .set({ config: JSON.stringify({ owner: integrationId, concurrency: 1 }) })
      .where('integrationId', '=', integrationId)
      .execute(),
  );
  let [underWay, most] = [0, 0];
  environment.ledger.answer = async (_item, owner) => {
    if (owner !== integrationId) return undefined;
    most = Math.max(most, (underWay += 1));
    await pause(2);
    underWay -= 1;
    return undefined;
  };
  await acceptMany(200);
  await settle();
  await until('all records are pushed', async () => (await countSynced(integrationId)) === 200);

  expect(most).toBe(1);
});
