/**
 * Search attributes for Temporal's UI. Registered at start-up; if the cluster refuses, workflows run without
 * them.
 */
import { defineSearchAttributeKey } from '@temporalio/common';

export const SEARCH_ATTRIBUTES = {
  tenantId: defineSearchAttributeKey('TenantId', 'KEYWORD'),
  integrationId: defineSearchAttributeKey('IntegrationId', 'KEYWORD'),
  endpointId: defineSearchAttributeKey('EndpointId', 'KEYWORD'),
  runKind: defineSearchAttributeKey('RunKind', 'KEYWORD'),
  runState: defineSearchAttributeKey('RunState', 'KEYWORD'),
  failedJobs: defineSearchAttributeKey('FailedJobs', 'INT'),
  isSyncFinished: defineSearchAttributeKey('IsSyncFinished', 'BOOL'),
  pendingRecords: defineSearchAttributeKey('PendingRecords', 'INT'),
  nextDueAt: defineSearchAttributeKey('NextDueAt', 'DATETIME'),
} as const;
