/** Outages of days at the limits of production: rules.md 8 and 11, R22. */
import { Unavailable } from '../../../connectors/errors';
import { recordPushWorkflowId } from '../../../contract/record-push';
import { historiesOf } from '../../support/environments/histories';
import { MINUTE, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';

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
  tenant = await environment.tenant();
  integrationId = await tenant.integration();
  environment.ledger.answer = environment.ledger.checkAnswer = () => new Unavailable('connect ECONNREFUSED');
});

describe('rule 8: a third party that stays down', () => {
  it('gives up after 72 hours', async () => {
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(71 * HOUR);
    expect((await tenant.recordSync(integrationId, 'e1'))?.nextAttemptAt).not.toBeNull();
    await environment.sleep(2 * HOUR);

    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      status: 'sync_failed',
      nextAttemptAt: null,
    });
  }, 180_000);

  it('keeps the history of the push queue far below the limits of Temporal (R22)', async () => {
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(6 * 24 * HOUR);

    const { client } = environment.env;
    const histories = await historiesOf(client, recordPushWorkflowId({ integrationId }));
    expect(histories.length).toBeGreaterThan(2);
    for (const { events } of histories) expect(events?.length ?? 0).toBeLessThan(5_000);
  }, 180_000);
});
