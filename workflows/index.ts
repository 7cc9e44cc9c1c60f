/** Registers the workflows: what the worker bundles. Each ends when its tenant was deleted. */
import { backgroundTaskWorkflow as backgroundTask } from './background-task';
import { emailWorkflow as email } from './email';
import { erasureWorkflow as erasure } from './erasure';
import { integrationCheckWorkflow as integrationCheck } from './integration-check';
import { mappingSamplesWorkflow as mappingSamples } from './mapping-samples';
import { notificationWorkflow as notification } from './notification';
import { oauthConsentWorkflow as oauthConsent } from './oauth-consent';
import { overviewWorkflow as overview } from './overview';
import { recordPushWorkflow as recordPush } from './record-push';
import { syncRunWorkflow as syncRun } from './sync-run';
import { scheduledSyncWorkflow as scheduledSync } from './scheduled-sync';
import { endingWithTenant } from './tenant-deletion';
import { webhookEndpointWorkflow as webhookEndpoint } from './webhook-endpoint';

export const backgroundTaskWorkflow = endingWithTenant(backgroundTask);
export const emailWorkflow = endingWithTenant(email);
export const erasureWorkflow = endingWithTenant(erasure);
export const integrationCheckWorkflow = endingWithTenant(integrationCheck);
export const mappingSamplesWorkflow = endingWithTenant(mappingSamples);
export const notificationWorkflow = endingWithTenant(notification);
export const oauthConsentWorkflow = endingWithTenant(oauthConsent);
export const overviewWorkflow = endingWithTenant(overview);
export const recordPushWorkflow = endingWithTenant(recordPush);
export const syncRunWorkflow = endingWithTenant(syncRun);
export const scheduledSyncWorkflow = endingWithTenant(scheduledSync);
export const webhookEndpointWorkflow = endingWithTenant(webhookEndpoint);
export { tenantDeletionWorkflow } from './tenant-deletion';
