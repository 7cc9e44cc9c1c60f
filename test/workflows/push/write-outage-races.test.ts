/** Outages that several calls notice at once, and probes that find nothing out: rules 11 and 58. */
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { RateLimitExhausted } from '../../../activities/integrations/rate-limited-http';
import { type ConnectorError, RecordRejected, Unavailable } from '../../../connectors/errors';
import type { PushItem } from '../../../connectors/connector';
import {
  GRACE_MS,
  MINUTE,
  PushEnvironment,
  type TestTenant,
} from '../../support/environments/push-environment';

const SECOND = 1_000;
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

type Answer = ConnectorError | undefined;
/** Only this test's third party is in trouble. */
function answer(respond: (item: PushItem) => Answer | Promise<Answer>): void {
  const owner = integrationId;
  environment.ledger.answer = (item, of) => (of === owner ? respond(item) : undefined);
}
const ids = (count: number) => Array.from({ length: count }, (_, index) => `e${index}`);
const change = (externalIds: string[]) =>
  tenant.accept(...externalIds.map((externalId) => ({ externalId, fields: { name: externalId } })));
const statuses = async (externalIds: string[]) =>
  new Set(await Promise.all(externalIds.map((externalId) => tenant.status(integrationId, externalId))));
const integration = () =>
  environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx
      .selectFrom('integrations')
      .select(['outageSince', 'blockedReason', 'isWriteOutage', 'failedProbes'])
      .where('integrationId', '=', integrationId)
      .executeTakeFirstOrThrow(),
  );
const noAnswer = () => new Unavailable('Service Unavailable', 503);

it('rule 11: an outage that two batches notice at the same time is probed again after 30 seconds', async () => {
  const owner = integrationId;
  environment.ledger.checkAnswer = (of) => (of === owner ? new Unavailable('ECONNREFUSED') : undefined);
  let [underWay, most] = [0, 0];
  answer(async () => {
    most = Math.max(most, (underWay += 1));
    await pause(600);
    underWay -= 1;
    return new Unavailable('ECONNREFUSED');
  });
  await change(ids(120));
  await environment.sleep(GRACE_MS + 5 * SECOND);

  expect(most).toBeGreaterThan(1);
  expect(await integration()).toMatchObject({ blockedReason: 'outage', failedProbes: 0 });
});

it('rule 58: an outage goes on while an incoming change holds all records that could probe it', async () => {
  answer(noAnswer);
  await change(ids(3));
  await environment.sleep(GRACE_MS + MINUTE);
  const { outageSince } = await integration();
  expect(outageSince).not.toBeNull();

  await environment.database.withTenant(tenant.tenantId, async ({ trx }) => {
    await sql`set local idle_in_transaction_session_timeout = 0`.execute(trx); // a busy machine skips slowly
    await sql`select from record_syncs where integration_id = ${integrationId} for update`.execute(trx);
    await environment.sleep(5 * MINUTE);
  });
  expect(await integration()).toEqual(
    expect.objectContaining({ outageSince, blockedReason: 'outage', isWriteOutage: true }),
  );

  environment.resetLedger();
  await environment.sleep(6 * MINUTE);
  expect(await statuses(ids(3))).toEqual(new Set(['synced']));
});

it('rule 11: a probe that the own rate limit holds back is repeated as soon as the limit allows it', async () => {
  answer(noAnswer);
  await change(ids(3));
  await environment.sleep(GRACE_MS + 10 * SECOND);
  expect(await integration()).toMatchObject({ blockedReason: 'outage' });

  let held = 0;
  answer(async () => {
    held += 1;
    const retryAt = new Date((await environment.now()) + 5 * SECOND);
    return held === 1 ? new RateLimitExhausted(retryAt, 5 * SECOND) : undefined;
  });
  await environment.sleep(50 * SECOND);

  expect(held).toBeGreaterThan(1);
  expect(await statuses(ids(3))).toEqual(new Set(['synced']));
});

it('rule 58: a success ends a series of failures although the record after it was refused', async () => {
  answer(({ externalId }) => {
    if (externalId.startsWith('down')) return noAnswer();
    return externalId === 'refused' ? new RecordRejected('No.', []) : undefined;
  });
  for (const externalId of ['down1', 'down2']) {
    await change([externalId]);
    await environment.sleep(GRACE_MS + SECOND);
  }
  await change(['good', 'refused']);
  await environment.sleep(GRACE_MS + SECOND);
  expect(await statuses(['good'])).toEqual(new Set(['synced']));
  expect(await statuses(['refused'])).toEqual(new Set(['sync_failed']));

  await environment.database.withTenant(tenant.tenantId, async ({ trx }) => {
    const { unavailableRecords } = await trx
      .selectFrom('integrations')
      .select('unavailableRecords')
      .where('integrationId', '=', integrationId)
      .executeTakeFirstOrThrow();
    expect(unavailableRecords).toEqual([]);
  });
});
