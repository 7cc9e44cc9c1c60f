/** The policy that decides when COMPANY_SYNCHRONIZED is sent (rules.md 42). */
import { z } from 'zod';

export const companySynchronizedPolicy = z.enum(['all_datasets', 'first_dataset']).meta({
  id: 'CompanySynchronizedPolicy',
  description: [
    'Decides when COMPANY_SYNCHRONIZED is sent, for integrations linked from now on.',
    '- `all_datasets`: when all datasets queued by linking are complete and at least one has succeeded.',
    '- `first_dataset` (deprecated): when the first dataset has succeeded. Available until ' +
      'the date in the Sunset header; from then on all tenants have `all_datasets`.',
  ].join('\n'),
});
