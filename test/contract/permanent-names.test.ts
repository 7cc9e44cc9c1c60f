/** Names that running workflows carry: a change here breaks what is running. Add, never rename. */
import { CHECK_INTEGRATION_WORKFLOW, checkIntegrationWorkflowId } from '../../contract/integration-check';
import { OVERVIEW_WORKFLOW, overviewChangedSignal, overviewWorkflowId } from '../../contract/overview';
import {
  pushQueueQuery,
  RECORD_PUSH_WORKFLOW,
  recordPushWorkflowId,
  recordsDueSignal,
} from '../../contract/record-push';
import { SEND_EMAIL_WORKFLOW, sendEmailWorkflowId } from '../../contract/email';
import {
  NOTIFICATION_WORKFLOW,
  notificationViewedSignal,
  notificationWorkflowId,
} from '../../contract/notification';
import {
  SYNC_RUN_WORKFLOW,
  syncRunQuery,
  syncRunsChangedSignal,
  syncRunWorkflowId,
} from '../../contract/sync-run';
import {
  SCHEDULED_AT,
  SCHEDULED_SYNC_WORKFLOW,
  syncScheduleId,
  scheduledSyncWorkflowId,
} from '../../contract/sync-schedule';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes';
import { TASK_QUEUES } from '../../contract/task-queues';
import {
  deliveriesDueSignal,
  WEBHOOK_ENDPOINT_WORKFLOW,
  webhookEndpointQuery,
  webhookEndpointWorkflowId,
} from '../../contract/webhook-endpoint';
import { toTypeId } from '../../db/sql/ids';
import { typeIdOf } from '../../domain/typeid';
import * as linked from '../../console/common/workflow-ids';
import * as workflows from '../../workflows';

const integrationId = '01890a5d-ac96-774b-bcce-b302099a8057';

describe('permanent names', () => {
  it('are those that the console links to', () => {
    expect(linked.pushesWorkflowId(toTypeId('int', integrationId))).toBe(
      recordPushWorkflowId({ integrationId }),
    );
    expect(linked.syncRunsWorkflowId(toTypeId('int', integrationId))).toBe(
      syncRunWorkflowId({ integrationId }),
    );
    expect(linked.overviewWorkflowId(toTypeId('ovw', integrationId))).toBe(
      overviewWorkflowId({ overviewId: integrationId }),
    );
    expect(linked.deliveriesWorkflowId(toTypeId('whe', integrationId))).toBe(
      webhookEndpointWorkflowId({ endpointId: integrationId }),
    );
  });

  it('are what they were', () => {
    expect([
      RECORD_PUSH_WORKFLOW,
      CHECK_INTEGRATION_WORKFLOW,
      recordsDueSignal.name,
      pushQueueQuery.name,
    ]).toEqual(['recordPushWorkflow', 'checkIntegrationWorkflow', 'recordsDue', 'lane']);
    expect([
      SYNC_RUN_WORKFLOW,
      SCHEDULED_SYNC_WORKFLOW,
      SEND_EMAIL_WORKFLOW,
      syncRunsChangedSignal.name,
      syncRunQuery.name,
    ]).toEqual([
      'syncRunWorkflow',
      'scheduledSyncWorkflow',
      'sendEmailWorkflow',
      'syncRunsChanged',
      'syncRun',
    ]);
    expect([WEBHOOK_ENDPOINT_WORKFLOW, deliveriesDueSignal.name, webhookEndpointQuery.name]).toEqual([
      'webhookEndpointWorkflow',
      'deliveriesDue',
      'webhookEndpoint',
    ]);
    expect(TASK_QUEUES).toEqual({
      workflows: 'workflows',
      push: 'push',
      pull: 'pull',
      email: 'email',
      webhooks: 'webhooks',
    });
    expect([NOTIFICATION_WORKFLOW, notificationViewedSignal.name]).toEqual([
      'notificationWorkflow',
      'notificationViewed',
    ]);
    expect([OVERVIEW_WORKFLOW, overviewChangedSignal.name]).toEqual(['overviewWorkflow', 'overviewChanged']);
    expect(SCHEDULED_AT).toMatchObject({ name: 'TemporalScheduledStartTime', type: 'DATETIME' }); // Temporal's name, not ours
    expect(Object.values(SEARCH_ATTRIBUTES).map(({ name, type }) => `${name} ${type}`)).toEqual(
      expect.arrayContaining([
        'TenantId KEYWORD',
        'IntegrationId KEYWORD',
        'PendingRecords INT',
        'NextDueAt DATETIME',
        'EndpointId KEYWORD',
        'RunKind KEYWORD',
        'RunState KEYWORD',
        'FailedJobs INT',
        'IsSyncFinished BOOL',
      ]),
    );
  });

  it('are those of the workflows that are registered', () => {
    expect(Object.keys(workflows)).toEqual(
      expect.arrayContaining([
        RECORD_PUSH_WORKFLOW,
        CHECK_INTEGRATION_WORKFLOW,
        SYNC_RUN_WORKFLOW,
        SCHEDULED_SYNC_WORKFLOW,
        SEND_EMAIL_WORKFLOW,
        NOTIFICATION_WORKFLOW,
        WEBHOOK_ENDPOINT_WORKFLOW,
        OVERVIEW_WORKFLOW,
      ]),
    );
  });
});

describe('workflow ids', () => {
  it('name the integration as the API does, one per integration and kind of work', () => {
    expect(recordPushWorkflowId({ integrationId })).toBe(`record-push:${toTypeId('int', integrationId)}`);
    expect(checkIntegrationWorkflowId({ integrationId })).toBe(
      `integration-check:${toTypeId('int', integrationId)}`,
    );
    expect(syncRunWorkflowId({ integrationId })).toBe(`sync-run:${toTypeId('int', integrationId)}`);
    expect(scheduledSyncWorkflowId({ integrationId, schedule: 'hourly' })).toBe(
      `sync-tick:hourly:${toTypeId('int', integrationId)}`,
    );
    expect(sendEmailWorkflowId({ emailId: integrationId })).toBe(`email:${toTypeId('eml', integrationId)}`);
    expect(webhookEndpointWorkflowId({ endpointId: integrationId })).toBe(
      `webhook-endpoint:${toTypeId('whe', integrationId)}`,
    );
    expect(notificationWorkflowId({ notificationRecipientId: integrationId })).toBe(
      `notification:${typeIdOf('ntr', integrationId)}`,
    );
    expect(overviewWorkflowId({ overviewId: integrationId })).toBe(
      `overview:${toTypeId('ovw', integrationId)}`,
    );
  });

  it('of schedules name the integration and how often', () => {
    expect(syncScheduleId({ integrationId, schedule: 'hourly' })).toBe(
      `sync-hourly:${toTypeId('int', integrationId)}`,
    );
    expect(syncScheduleId({ integrationId, schedule: 'nightly' })).toBe(
      `sync-nightly:${toTypeId('int', integrationId)}`,
    );
  });

  it('do not pass 255 characters', () => {
    expect(recordPushWorkflowId({ integrationId }).length).toBeLessThan(255);
  });
});
