/** Under which ids Temporal knows what works on a thing, by the thing's id: the same as in `contract/`, which a test compares. */
export const pushesWorkflowId = (integrationId: string): string => `record-push:${integrationId}`;
export const syncRunsWorkflowId = (integrationId: string): string => `sync-run:${integrationId}`;
export const overviewWorkflowId = (overviewId: string): string => `overview:${overviewId}`;
export const deliveriesWorkflowId = (endpointId: string): string => `webhook-endpoint:${endpointId}`;
