/** Names that running workflows carry: a change here breaks what is running. Add, never rename. */
import { CHECK_INTEGRATION_WORKFLOW, checkIntegrationWorkflowId } from '../../contract/integration-check';
import { laneQuery, RECORD_PUSH_WORKFLOW, recordPushWorkflowId, recordsDueSignal } from '../../contract/record-push';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes';
import { TASK_QUEUES } from '../../contract/task-queues';
import { toWireId } from '../../db/ids';
import * as workflows from '../../workflows';

const integrationId = '01890a5d-ac96-774b-bcce-b302099a8057';

describe('permanent names', () => {
  it('are what they were', () => {
    expect([RECORD_PUSH_WORKFLOW, CHECK_INTEGRATION_WORKFLOW, recordsDueSignal.name, laneQuery.name]).toEqual([
      'recordPushWorkflow',
      'checkIntegrationWorkflow',
      'recordsDue',
      'lane',
    ]);
    expect(TASK_QUEUES).toMatchObject({ workflows: 'workflows', push: 'push' });
    expect(Object.values(SEARCH_ATTRIBUTES).map(({ name, type }) => `${name} ${type}`)).toEqual(
      expect.arrayContaining(['TenantId KEYWORD', 'IntegrationId KEYWORD', 'PendingRecords INT', 'NextDueAt DATETIME']),
    );
  });

  it('are those of the workflows that are registered', () => {
    expect(Object.keys(workflows)).toEqual(expect.arrayContaining([RECORD_PUSH_WORKFLOW, CHECK_INTEGRATION_WORKFLOW]));
  });
});

describe('workflow ids', () => {
  it('name the integration as the API does, one per integration and kind of work', () => {
    expect(recordPushWorkflowId({ integrationId })).toBe(`record-push:${toWireId('int', integrationId)}`);
    expect(checkIntegrationWorkflowId({ integrationId })).toBe(`integration-check:${toWireId('int', integrationId)}`);
  });

  it('do not pass 255 characters', () => {
    expect(recordPushWorkflowId({ integrationId }).length).toBeLessThan(255);
  });
});
