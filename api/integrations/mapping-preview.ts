/**
 * The dry run of a mapping change: how many records would be pushed again, and what that changes in the app.
 */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { showEffects } from '../../db/push/brakes/outbound-brakes';
import { previewMapping } from '../../db/push/backfill';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import { recordTypeName } from '../routing/common-schemas';
import { BRAKED_EFFECTS } from '../../domain/push/braked-effect';

const PREVIEW_RECORDS_MAX = 100_000;

export const mappingPreview = z
  .object({
    records_touched: z
      .int()
      .meta({ description: 'Records whose payload would change, so they would be pushed again.' }),
    records_examined: z.int(),
    is_complete: z.boolean().meta({ description: 'False if there are more records than were examined.' }),
    effects: z
      .array(
        z.object({
          record_type: recordTypeName,
          effect: z.enum(BRAKED_EFFECTS),
          records: z.int(),
          waits_for_approval: z.boolean().meta({
            description: 'True if these pushes would exceed a safety threshold: see Push reviews.',
          }),
        }),
      )
      .meta({
        description:
          'What the pushes would do in the app. Records whose empty values are filled are in none of them.',
      }),
  })
  .meta({ id: 'MappingPreview' });

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
  return {
    records_touched: touched,
    records_examined: examined,
    is_complete: isComplete,
    effects: await showEffects(work, integration, effects),
  };
}
