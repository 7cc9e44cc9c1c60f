/**
 * Checks whether the third party of one integration responds and accepts the credentials. Changes nothing
 * there.
 */
import type { CheckIntegrationInput, CheckIntegrationResult } from '../contract/integration-check';
import { integrationCheckActivities } from './activities';

export async function integrationCheckWorkflow(
  input: CheckIntegrationInput,
): Promise<CheckIntegrationResult> {
  const { checkIntegration } = integrationCheckActivities(input.tenantId);
  return checkIntegration(input);
}
