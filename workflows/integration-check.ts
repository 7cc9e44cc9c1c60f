/** Asks the third party of one integration whether it answers and the credentials hold. Changes nothing. */
import type { CheckIntegrationInput, CheckIntegrationResult } from '../contract/integration-check';
import { integrationCheckActivities } from './activities';

export async function checkIntegrationWorkflow(
  input: CheckIntegrationInput,
): Promise<CheckIntegrationResult> {
  const { checkIntegration } = integrationCheckActivities(input.tenantId);
  return checkIntegration(input);
}
