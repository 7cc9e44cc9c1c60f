/** The dry run of a mapping change: how many records would be pushed again. */
import type { z } from 'zod';
import type { TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { previewMapping } from '../../db/push/backfill';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import type { mappingPreview } from './integration-schema';

const PREVIEW_RECORDS_MAX = 100_000;

export async function previewOf(
  work: TenantWork,
  { integrationId }: Integration,
  recordTypes: RecordTypeMappings | undefined,
): Promise<z.output<typeof mappingPreview>> {
  if (recordTypes === undefined) return { records_touched: 0, records_examined: 0, is_complete: true };
  const atMost = PREVIEW_RECORDS_MAX;
  const { touched, examined, isComplete } = await previewMapping(work, {
    integrationId,
    recordTypes,
    atMost,
  });
  return { records_touched: touched, records_examined: examined, is_complete: isComplete };
}
