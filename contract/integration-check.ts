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
  /** Settings that are tried before they are stored; absent = those of the integration. */
  trialId?: string | undefined;
}

/** All requests made while a check of the stored settings is in progress get the result of that check. */
export function integrationCheckWorkflowId({
  integrationId,
  trialId,
}: Pick<CheckIntegrationInput, 'integrationId' | 'trialId'>): string {
  const id = `integration-check:${typeIdOf('int', integrationId)}`;
  return trialId === undefined ? id : `${id}:${trialId}`;
}

/**
 * The third party's message is in the database (`integrations.last_check`, or the row of the trial), not in
 * the history: it may contain anything.
 */
export type CheckIntegrationResult =
  | { ok: true }
  | {
      ok: false;
      kind: 'unavailable' | 'rate_limited' | 'unauthorized' | 'record_rejected' | 'not_found' | 'internal';
    };
