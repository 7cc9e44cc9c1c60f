/** The dry run of a mapping change: how many records would be pushed again, and what that changes in
 * the app. */
import type { z } from 'zod';
import type { TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { wouldWait } from '../../db/push/outbound-brakes';
import { previewMapping } from '../../db/push/backfill';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import type { mappingPreview } from './integration-schema';

const PREVIEW_RECORDS_MAX = 100_000;

export async function previewOf(
  work: TenantWork,
  integration: Integration,
  recordTypes: RecordTypeMappings | undefined,
): Promise<z.output<typeof mappingPreview>> {
  if (recordTypes === undefined)
    return { records_touched: 0, records_examined: 0, is_complete: true, effects: [] };
  const atMost = PREVIEW_RECORDS_MAX;
  const { touched, examined, isComplete, effects } = await previewMapping(work, {
    integrationId: integration.integrationId,
    recordTypes,
    atMost,
  });
  const shown = [];
  for (const counted of effects)
    shown.push({
      record_type: counted.recordType,
      effect: counted.effect,
      records: counted.records,
      waits_for_approval: await wouldWait(work, integration, counted),
    });
  return {
    records_touched: touched,
    records_examined: examined,
    is_complete: isComplete,
    effects: shown,
  };
}
