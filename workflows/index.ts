/** Registers the workflows: what the worker bundles. */
export { backgroundTaskWorkflow } from './background-task';
export { emailWorkflow } from './email';
export { erasureWorkflow } from './erasure';
export { integrationCheckWorkflow } from './integration-check';
export { notificationWorkflow } from './notification';
export { overviewWorkflow } from './overview';
export { recordPushWorkflow } from './record-push';
export { syncRunWorkflow } from './sync-run';
export { scheduledSyncWorkflow } from './scheduled-sync';
export { webhookEndpointWorkflow } from './webhook-endpoint';
