/** When COMPANY_SYNCHRONIZED is told, on the wire (rules.md 42). */
import { z } from 'zod';

export const companySynchronizedPolicy = z.enum(['all_datasets', 'first_dataset']).meta({
  id: 'CompanySynchronizedPolicy',
  description: [
    'When COMPANY_SYNCHRONIZED is told; counts for what is linked from now on.',
    '- `all_datasets`: when all datasets that linking queued are complete and one at least succeeded.',
    '- `first_dataset`: deprecated, after the first dataset that succeeded. Can be chosen, and chosen again, until the switch (the header Sunset); gone from then on, and everybody has `all_datasets`.',
  ].join('\n'),
});
