/** Reads a few records of an app as a proposed mapping would store them. Changes nothing there. */
import type { MappingSamplesInput } from '../contract/mapping-samples';
import { mappingSamplesActivities } from './activities';

export async function mappingSamplesWorkflow(input: MappingSamplesInput): Promise<void> {
  await mappingSamplesActivities(input.tenantId).readMappingSamples(input);
}
