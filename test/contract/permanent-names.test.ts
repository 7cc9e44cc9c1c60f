/**
 * The names that running workflows carry, frozen since version 0.2.0. A renamed one breaks running workflows:
 * add, never rename.
 */
import { MAPPING_SAMPLES_WORKFLOW } from '../../contract/mapping-samples';
import { END_SUBSCRIPTION_WORKFLOW } from '../../contract/webhook-subscription';
import { OAUTH_CONSENT_WORKFLOW } from '../../contract/oauth-consent';
import { BACKGROUND_TASK_WORKFLOW, backgroundTaskWorkflowId } from '../../contract/background-task';
import {
  DEFINITION_ROLLOUT_WORKFLOW,
  definitionRolloutChangedSignal,
  definitionRolloutWorkflowId,
} from '../../contract/definition-rollout';
import {
  INCOMING_CHANGES_WORKFLOW,
  incomingChangesQuery,
  incomingChangesWorkflowId,
  incomingDueSignal,
} from '../../contract/incoming-changes';
import { INTEGRATION_CHECK_WORKFLOW, integrationCheckWorkflowId } from '../../contract/integration-check';
import { OVERVIEW_WORKFLOW, overviewChangedSignal, overviewWorkflowId } from '../../contract/overview';
import {
  pushQueueQuery,
  RECORD_PUSH_WORKFLOW,
  recordPushWorkflowId,
  recordsDueSignal,
} from '../../contract/record-push';
import { ERASURE_WORKFLOW, erasureChangedSignal } from '../../contract/erasure';
import { EMAIL_WORKFLOW, emailWorkflowId } from '../../contract/email';
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
import { TENANT_DELETED, TENANT_DELETION_WORKFLOW } from '../../contract/tenant-deletion';
import { TASK_QUEUES } from '../../contract/task-queues';
import {
  deliveriesDueSignal,
  WEBHOOK_ENDPOINT_WORKFLOW,
  endpointQueueQuery,
  webhookEndpointWorkflowId,
} from '../../contract/webhook-endpoint';
import { createActivities } from '../../activities';
import type { ActivityDependencies } from '../../activities/dependencies';
import { toTypeId } from '../../db/sql/ids';
import { typeIdOf } from '../../domain/typeid';
import * as linked from '../../console/common/workflow-ids';
import * as workflows from '../../workflows';

const integrationId = '01890a5d-ac96-774b-bcce-b302099a8057';

describe('permanent names', () => {
  it('are the names that the console links to', () => {
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

  it('have not changed', () => {
    expect([
      RECORD_PUSH_WORKFLOW,
      INTEGRATION_CHECK_WORKFLOW,
      recordsDueSignal.name,
      pushQueueQuery.name,
    ]).toEqual(['recordPushWorkflow', 'integrationCheckWorkflow', 'recordsDue', 'pushQueue']);
    expect([
      SYNC_RUN_WORKFLOW,
      SCHEDULED_SYNC_WORKFLOW,
      EMAIL_WORKFLOW,
      syncRunsChangedSignal.name,
      syncRunQuery.name,
    ]).toEqual(['syncRunWorkflow', 'scheduledSyncWorkflow', 'emailWorkflow', 'syncRunsChanged', 'syncRun']);
    expect([WEBHOOK_ENDPOINT_WORKFLOW, deliveriesDueSignal.name, endpointQueueQuery.name]).toEqual([
      'webhookEndpointWorkflow',
      'deliveriesDue',
      'endpointQueue',
    ]);
    expect([INCOMING_CHANGES_WORKFLOW, incomingDueSignal.name, incomingChangesQuery.name]).toEqual([
      'incomingChangesWorkflow',
      'incomingDue',
      'incomingChanges',
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
    expect([ERASURE_WORKFLOW, erasureChangedSignal.name]).toEqual(['erasureWorkflow', 'erasureChanged']);
    expect([OVERVIEW_WORKFLOW, overviewChangedSignal.name]).toEqual(['overviewWorkflow', 'overviewChanged']);
    expect(BACKGROUND_TASK_WORKFLOW).toBe('backgroundTaskWorkflow');
    expect([DEFINITION_ROLLOUT_WORKFLOW, definitionRolloutChangedSignal.name]).toEqual([
      'definitionRolloutWorkflow',
      'definitionRolloutChanged',
    ]);
    expect(OAUTH_CONSENT_WORKFLOW).toBe('oauthConsentWorkflow');
    expect(END_SUBSCRIPTION_WORKFLOW).toBe('endSubscriptionWorkflow');
    expect(MAPPING_SAMPLES_WORKFLOW).toBe('mappingSamplesWorkflow');
    expect([TENANT_DELETION_WORKFLOW, TENANT_DELETED]).toEqual(['tenantDeletionWorkflow', 'TenantDeleted']);
    expect(SCHEDULED_AT).toMatchObject({ name: 'TemporalScheduledStartTime', type: 'DATETIME' }); // Temporal chose this name
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

  it('include the activities', () => {
    expect(Object.keys(createActivities({} as ActivityDependencies)).toSorted()).toEqual([
      'advanceBackgroundTask',
      'advanceDefinitionRollout',
      'advanceErasure',
      'advanceOverview',
      'advanceSyncJob',
      'advanceTenantDeletion',
      'checkIntegration',
      'decideNotification',
      'deliverDueWebhooks',
      'emitSyncMilestone',
      'endSubscription',
      'exchangeCode',
      'pushDueRecords',
      'readMappingSamples',
      'readSyncRun',
      'requestScheduledSync',
      'sendEmail',
      'startIncomingReads',
      'startNextSyncRun',
    ]);
  });

  it('are the names of the registered workflows', () => {
    expect(Object.keys(workflows)).toEqual(
      expect.arrayContaining([
        RECORD_PUSH_WORKFLOW,
        INTEGRATION_CHECK_WORKFLOW,
        SYNC_RUN_WORKFLOW,
        SCHEDULED_SYNC_WORKFLOW,
        EMAIL_WORKFLOW,
        NOTIFICATION_WORKFLOW,
        WEBHOOK_ENDPOINT_WORKFLOW,
        OVERVIEW_WORKFLOW,
        BACKGROUND_TASK_WORKFLOW,
        ERASURE_WORKFLOW,
        DEFINITION_ROLLOUT_WORKFLOW,
        INCOMING_CHANGES_WORKFLOW,
      ]),
    );
  });
});

describe('workflow ids', () => {
  it('name the integration as the API does, one per integration and kind of work', () => {
    expect(recordPushWorkflowId({ integrationId })).toBe(`record-push:${toTypeId('int', integrationId)}`);
    expect(integrationCheckWorkflowId({ integrationId })).toBe(
      `integration-check:${toTypeId('int', integrationId)}`,
    );
    expect(syncRunWorkflowId({ integrationId })).toBe(`sync-run:${toTypeId('int', integrationId)}`);
    expect(scheduledSyncWorkflowId({ integrationId, schedule: 'hourly' })).toBe(
      `scheduled-sync:hourly:${toTypeId('int', integrationId)}`,
    );
    expect(incomingChangesWorkflowId({ integrationId })).toBe(
      `incoming-changes:${toTypeId('int', integrationId)}`,
    );
    expect(emailWorkflowId({ emailId: integrationId })).toBe(`email:${toTypeId('eml', integrationId)}`);
    expect(webhookEndpointWorkflowId({ endpointId: integrationId })).toBe(
      `webhook-endpoint:${toTypeId('whe', integrationId)}`,
    );
    expect(notificationWorkflowId({ notificationRecipientId: integrationId })).toBe(
      `notification:${typeIdOf('ntr', integrationId)}`,
    );
    expect(definitionRolloutWorkflowId({ rolloutId: integrationId })).toBe(
      `definition-rollout:${toTypeId('rol', integrationId)}`,
    );
    expect(overviewWorkflowId({ overviewId: integrationId })).toBe(
      `overview:${toTypeId('ovw', integrationId)}`,
    );
    expect(backgroundTaskWorkflowId({ backgroundTaskId: integrationId })).toBe(
      `background-task:${typeIdOf('btk', integrationId)}`,
    );
  });

  it('of schedules name the integration and the interval', () => {
    expect(syncScheduleId({ integrationId, schedule: 'hourly' })).toBe(
      `sync-hourly:${toTypeId('int', integrationId)}`,
    );
    expect(syncScheduleId({ integrationId, schedule: 'nightly' })).toBe(
      `sync-nightly:${toTypeId('int', integrationId)}`,
    );
  });

  it('have fewer than 255 characters', () => {
    expect(recordPushWorkflowId({ integrationId }).length).toBeLessThan(255);
  });
});
