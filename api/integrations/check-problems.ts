/** What a check found in the settings of an integration. */
import { z } from 'zod';

export const checkProblems = z
  .array(
    z.object({
      pointer: z.string().meta({ example: '/config/record_types/contacts/list/modified_since' }),
      code: z.string(),
      message: z.string(),
      severity: z.enum(['refuse', 'warn']).meta({
        description: '`refuse`: runs would miss records. `warn`: runs read more than they should.',
      }),
    }),
  )
  .meta({ description: 'The settings that do not hold what they declare.' });
