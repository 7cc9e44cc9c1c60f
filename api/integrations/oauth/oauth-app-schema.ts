/** The JSON of OAuth apps. */
import { z } from 'zod';
import type { AppUse } from '../../../db/integrations/oauth/app-uses';
import type { OAuthApp } from '../../../db/integrations/oauth/apps';
import { toTypeId } from '../../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../../db/tables/tenants';
import { whyOriginIsRefused } from '../../../domain/oauth/allowed-origins';
import { secretBody } from '../../incoming/address-state';
import { idParam, instant, lineOfText, toInstant, typeId } from '../../routing/common-schemas';

export const oauthAppParams = z.strictObject({ oauth_app_id: idParam('oap', 'oauth_app_not_found') });

const VISIBLE = '^[\\x20-\\x7e]+$';
const clientId = z.string().min(1).max(1_000).regex(new RegExp(VISIBLE)).meta({
  description: 'The id that the provider gave to the app.',
});
const clientSecret = z
  .string()
  .min(1)
  .max(4_000)
  .regex(new RegExp(VISIBLE))
  .nullable()
  .meta({ writeOnly: true, description: 'Stored encrypted and never shown; null = a public client.' });
/** For the description: what this accepts is an origin. Addresses by number and low ports are, too. */
const ORIGIN =
  '^https?://(localhost|(\\*\\.)?([a-z0-9]+(-[a-z0-9]+)*\\.)+[a-z][a-z0-9]*(-[a-z0-9]+)*)' +
  '(:([1-9][0-9]{3}|[1-5][0-9]{4}))?$';
const allowedOrigins = z
  .array(
    z
      .string()
      .max(300)
      .superRefine((origin, issue) => {
        const message = whyOriginIsRefused(origin);
        if (message !== undefined) issue.addIssue({ code: 'custom', message });
      })
      .meta({ pattern: ORIGIN }),
  )
  .min(1)
  .max(50)
  .meta({
    description:
      'The only origins that the secret, codes and tokens of this app are sent to: those of the consent page, ' +
      'the token endpoint and the API. `https://*.example.com` stands for every host below example.com.',
    example: ['https://login.example.com', 'https://*.api.example.com'],
  });

const webhookSecret = secretBody.shape.secret.nullable().meta({
  writeOnly: true,
  description:
    'For providers that sign the webhooks of all accounts of the app with one secret, and call an address of ' +
    'each integration. Stored encrypted and never shown; null = each integration has one of its own.',
});

export const newOAuthApp = z.strictObject({
  name: lineOfText(200),
  client_id: clientId,
  client_secret: clientSecret.default(null),
  webhook_secret: webhookSecret.default(null),
  allowed_origins: allowedOrigins,
});

export const oauthAppChange = z.strictObject({
  name: lineOfText(200).optional(),
  client_id: clientId.optional(),
  client_secret: clientSecret.optional(),
  webhook_secret: webhookSecret.optional(),
  allowed_origins: allowedOrigins.optional(),
});

const uses = z.array(
  z.object({
    definition_key: z.string().nullable().meta({ description: 'null = they follow no definition.' }),
    integrations: z.int(),
    connected: z.int().meta({ description: 'Those with an account that the app has connected.' }),
    tenants: z.int(),
  }),
);

export const oauthAppView = z
  .object({
    id: typeId('oap'),
    owner: z.enum(['tenant', 'platform']).meta({ description: 'Every tenant can use apps of the platform.' }),
    name: z.string(),
    client_id: z.string(),
    has_client_secret: z.boolean(),
    has_webhook_secret: z.boolean(),
    allowed_origins: z.array(z.string()),
    uses: uses.meta({
      description:
        'How many integrations name the app or were connected by it, by definition: of all tenants with the ' +
        "platform key, otherwise the tenant's own. An app in use cannot be deleted.",
    }),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'OAuthApp' });

export const oauthAppToWire = (app: OAuthApp, appUses: readonly AppUse[]) => ({
  id: toTypeId('oap', app.oauthAppId),
  owner: app.tenantId === PLATFORM_TENANT_ID ? ('platform' as const) : ('tenant' as const),
  name: app.name,
  client_id: app.clientId,
  has_client_secret: app.hasSecret,
  has_webhook_secret: app.hasWebhookSecret,
  allowed_origins: app.allowedOrigins,
  uses: appUses
    .filter(({ oauthAppId }) => oauthAppId === app.oauthAppId)
    .map(({ definitionKey, integrations, connected, tenants }) => ({
      definition_key: definitionKey,
      integrations,
      connected,
      tenants,
    })),
  created_at: toInstant(app.createdAt),
  updated_at: toInstant(app.updatedAt),
});
