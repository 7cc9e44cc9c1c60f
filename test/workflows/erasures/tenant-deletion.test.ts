/** The workflows of a deleted tenant end, and its rows are deleted (rules.md 62). */
import { backgroundTaskWorkflowId } from '../../../contract/background-task';
import { recordPushWorkflowId } from '../../../contract/record-push';
import { tenantDeletionWorkflowId } from '../../../contract/tenant-deletion';
import { findTenantDeletion, requestTenantDeletion } from '../../../db/erasures/tenant-deletions';
import { enqueueAll } from '../../../db/platform/outbox';
import { newUuid } from '../../../db/sql/ids';
import { emailWorkflowId } from '../../../contract/email';
import { erasureWorkflowId } from '../../../contract/erasure';
import { notificationWorkflowId } from '../../../contract/notification';
import { overviewWorkflowId } from '../../../contract/overview';
import { syncRunWorkflowId } from '../../../contract/sync-run';
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';

const HOUR = 3_600_000;
const MINUTE = 60_000;
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

const remove = (): Promise<unknown> =>
  environment.database.withTenant(tenant.tenantId, (work) => requestTenantDeletion(work, { requestId: 'r' }));
const receipt = () => environment.database.withPlatform((work) => findTenantDeletion(work, tenant));
const statusOf = async (workflowId: string) =>
  (await environment.env.client.workflow.getHandle(workflowId).describe()).status.name;

it('rule 62: changes that wait for a push are not sent after the deletion, and the queue ends', async () => {
  const integrationId = await tenant.integration({ gracePeriodMs: 10 * HOUR, maxWaitMs: null });
  const other = await environment.tenant();
  const ofOther = await other.integration();
  await tenant.accept({ externalId: 'ada', fields: { name: 'Ada' } });
  await other.accept({ externalId: 'bob', fields: { name: 'Bob' } });
  await environment.dispatch();
  expect(await statusOf(recordPushWorkflowId({ integrationId }))).toBe('RUNNING');

  await remove();
  await environment.sleep(2_000);
  for (let minutes = 0; minutes < 20; minutes += 5) await environment.sleep(5 * MINUTE);

  expect(await statusOf(recordPushWorkflowId({ integrationId }))).toBe('COMPLETED');
  expect(await statusOf(tenantDeletionWorkflowId(tenant))).toBe('COMPLETED');
  expect(tenant.sent(integrationId)).toEqual([]);
  expect(other.sent(ofOther)).toHaveLength(1);
  expect(await receipt()).toMatchObject({
    state: 'done',
    rows: { tenants: 1, integrations: 1, records: 1, record_syncs: 1 },
  });
});

it('rule 62: a message of a deleted tenant starts no work that stays', async () => {
  const id = newUuid();
  await environment.database.withTenant(tenant.tenantId, (work) =>
    enqueueAll(
      work,
      (
        [
          { topic: 'record_push', integrationId: id },
          { topic: 'sync_run', integrationId: id },
          { topic: 'overview', overviewId: id },
          { topic: 'erasure', erasureId: id },
          { topic: 'email', emailId: id },
          { topic: 'notification', notificationRecipientId: id },
          { topic: 'background_task', backgroundTaskId: id },
        ] as const
      ).map((message) => ({ ...message, nextDueAt: work.now })),
    ),
  );
  await remove();
  await environment.sleep(2_000);

  const workflowIds = [
    recordPushWorkflowId({ integrationId: id }),
    syncRunWorkflowId({ integrationId: id }),
    overviewWorkflowId({ overviewId: id }),
    erasureWorkflowId({ erasureId: id }),
    emailWorkflowId({ emailId: id }),
    notificationWorkflowId({ notificationRecipientId: id }),
    backgroundTaskWorkflowId({ backgroundTaskId: id }),
  ];
  expect(await Promise.all(workflowIds.map(statusOf))).toEqual(workflowIds.map(() => 'COMPLETED'));
});
