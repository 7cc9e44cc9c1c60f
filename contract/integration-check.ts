/** "Does the third party answer, and do the credentials hold?", asked through the worker, which alone talks to third parties. */
export const CHECK_INTEGRATION_WORKFLOW = 'checkIntegrationWorkflow';

export interface CheckIntegrationInput {
  tenantId: string;
  integrationId: string;
}

/** Everyone who asks while a check is under way gets the answer of that one. */
export function checkIntegrationWorkflowId({ integrationId }: { integrationId: string }): string {
  return `integration-check:${integrationId}`;
}

export type CheckIntegrationResult =
  | { ok: true }
  | { ok: false; kind: 'unavailable' | 'rate_limited' | 'unauthorized' | 'record_rejected' | 'not_found' | 'no_credentials' | 'internal'; message: string };
