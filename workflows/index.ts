/** Registers the workflows: what the worker bundles. */
export { checkIntegrationWorkflow } from './integration-check';
export { recordPushWorkflow } from './record-push';
