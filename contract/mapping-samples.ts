/**
 * Names and messages of the workflow that reads a few records of an app as a proposed mapping would store
 * them. Permanent: running workflows carry them. The records are in a row, never in the history.
 */
import { typeIdOf } from '../domain/typeid';

export const MAPPING_SAMPLES_WORKFLOW = 'mappingSamplesWorkflow';

export interface MappingSamplesInput {
  tenantId: string;
  integrationId: string;
  /** The row of `integration_trials` with the mapping; the samples are written to it. */
  trialId: string;
}

export const mappingSamplesWorkflowId = ({
  integrationId,
  trialId,
}: Pick<MappingSamplesInput, 'integrationId' | 'trialId'>): string =>
  `mapping-samples:${typeIdOf('int', integrationId)}:${trialId}`;
