/** Workflow ids, as built in `contract/workflow-ids.ts`; a test compares the two. */
export const pushesWorkflowId = (integrationId: string): string => `record-push:${integrationId}`;
export const syncRunsWorkflowId = (integrationId: string): string => `sync-run:${integrationId}`;
export const overviewWorkflowId = (overviewId: string): string => `overview:${overviewId}`;
export const deliveriesWorkflowId = (endpointId: string): string => `webhook-endpoint:${endpointId}`;
