/** What the addresses for webhooks of integrations and of OAuth apps have in common. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { AddressOf, AddressOwner } from '../../db/integrations/incoming/addresses';
import { hashOfToken } from '../auth/person-tokens';
import { instant, toInstantOrNull } from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';

export const addressState = z.object({
  has_secret: z.boolean().meta({
    description:
      'False: every call is refused. Store the secret that the third party shows for its webhooks.',
  }),
  created_at: instant.nullable().meta({ description: 'When the address was made; null = there is none.' }),
  received_at: instant.nullable().meta({ description: 'The last call that was verified.' }),
  refused_at: instant
    .nullable()
    .meta({ description: 'The last call with the right address that was not verified.' }),
});

export function toWireState(address: AddressOf<AddressOwner> | undefined): z.output<typeof addressState> {
  return {
    has_secret: address?.secret != null,
    created_at: toInstantOrNull(address?.createdAt ?? null),
    received_at: toInstantOrNull(address?.receivedAt ?? null),
    refused_at: toInstantOrNull(address?.refusedAt ?? null),
  };
}

export const shownAddress = z
  .string()
  .meta({ description: 'Enter it at the third party. It is shown only now.' });

export function newAddress({ services: { config } }: Pick<TenantContext, 'services'>): {
  url: string;
  tokenHash: Buffer;
} {
  const token = randomBytes(32).toString('base64url');
  return { url: `${config.publicUrl}/v1/incoming/${token}`, tokenHash: hashOfToken(token) };
}

export const secretBody = z.strictObject({
  secret: z
    .string()
    .min(8)
    .max(1_000)
    .regex(/^[\x21-\x7e]+$/, 'Visible ASCII characters only.')
    .meta({ writeOnly: true }),
});
