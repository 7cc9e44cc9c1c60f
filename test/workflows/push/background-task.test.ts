/** A background task from the outbox to its end: rule 60. */
import { BACKGROUND_TASK_WORKFLOW, backgroundTaskWorkflowId } from '../../../contract/background-task';
import { listBackgroundTasks } from '../../../db/platform/background-tasks';
import { deleteIntegration } from '../../../db/sync-runs/delete-integration';
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  tenant = await environment.tenant();
});

describe('rule 60: the workflow of a deleted integration', () => {
  it('deletes the rows that the request left, and says how many', async () => {
    const integrationId = await tenant.integration({
      recordTypes: {
        employees: { direction: 'push', fields: [{ name: 'name', to: 'name' }], onDelete: 'deactivate' },
      },
    });
    for (let from = 0; from < 1_500; from += 500)
      await tenant.accept(
        ...Array.from({ length: 500 }, (_, index) => ({
          externalId: `e${from + index}`,
          fields: { name: 'A' },
        })),
      );
    const task = await environment.database.withTenant(tenant.tenantId, async (work) => {
      await deleteIntegration(work, { integrationId, by: 'ana' });
      const [begun] = await listBackgroundTasks(work, { integrationIds: [integrationId] });
      return begun;
    });
    const workflowId = backgroundTaskWorkflowId({ backgroundTaskId: task?.backgroundTaskId ?? '' });

    await environment.dispatch();

    const handle = environment.env.client.workflow.getHandle(workflowId);
    expect(await handle.result()).toEqual({ kind: 'delete_integration', doneRows: 1_500, isFinished: true });
    expect((await handle.describe()).type).toBe(BACKGROUND_TASK_WORKFLOW);
    const left = await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx.selectFrom('recordSyncs').select('recordId').execute(),
    );
    expect(left).toEqual([]);
  });
});
