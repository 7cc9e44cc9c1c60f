/**
 * Names and messages of the workflow that checks whether a third party responds and accepts the credentials.
 * Permanent: running workflows carry them. Only workers call third parties, so the API requests a check
 * through Temporal.
 */
import { typeIdOf } from '../domain/typeid';

export const INTEGRATION_CHECK_WORKFLOW = 'integrationCheckWorkflow';

export interface CheckIntegrationInput {
  tenantId: string;
  integrationId: string;
}

/** All requests made while a check is in progress get the result of that check. */
export function integrationCheckWorkflowId({ integrationId }: { integrationId: string }): string {
  return `integration-check:${typeIdOf('int', integrationId)}`;
}

/**
 * The third party's message is in the database (`integrations.last_check`), not in the history: it may
 * contain anything.
 */
export type CheckIntegrationResult =
  | { ok: true }
  | {
      ok: false;
      kind: 'unavailable' | 'rate_limited' | 'unauthorized' | 'record_rejected' | 'not_found' | 'internal';
    };
