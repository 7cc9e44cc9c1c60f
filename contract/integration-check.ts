/** "Does the third party answer, and do the credentials hold?", asked through the worker, which alone talks to third parties. */
import { typeIdOf } from '../domain/typeid';

export const CHECK_INTEGRATION_WORKFLOW = 'checkIntegrationWorkflow';

export interface CheckIntegrationInput {
  tenantId: string;
  integrationId: string;
}

/** Everyone who asks while a check is under way gets the answer of that one. */
export function checkIntegrationWorkflowId({ integrationId }: { integrationId: string }): string {
  return `integration-check:${typeIdOf('int', integrationId)}`;
}

/** What it came to; the words stand in the database (`integrations.last_check`), for they may hold anything. */
export type CheckIntegrationResult =
  | { ok: true }
  | {
      ok: false;
      kind: 'unavailable' | 'rate_limited' | 'unauthorized' | 'record_rejected' | 'not_found' | 'internal';
    };
