/** How the connect pages of a tenant look, and the sites that they work with. */
import { z } from 'zod';
import {
  changeConnectSettings,
  type ConnectSettings,
  findConnectSettings,
  lockConnectSettings,
} from '../../db/integrations/connect/connect-settings';
import type { ApiDependencies } from '../dependencies';
import { lineOfText } from '../routing/common-schemas';
import { defineRoute, type Route } from '../routing/define-route';
import { ETAG, etagOf, requireVersion } from '../routing/etag';
import { redirectUri, webOrigin } from './connect-origins';

const tag = 'Connect sessions';
const path = '/v1/connect-settings';
const ORIGINS_MAX = 20;
/** Characters, as JSON Schema counts them. */
const LOGO_MAX = 3;

const members = {
  name: lineOfText(100)
    .nullable()
    .meta({ description: 'Who asks for the connection; null = the name of the tenant.' }),
  color: z
    .string()
    .regex(/^#[0-9a-f]{6}$/, 'must be a color such as #1a7f5a')
    .nullable()
    .meta({ description: 'Of the bar at the top; null = the color of Syncline.', example: '#1a7f5a' }),
  logo_text: lineOfText(2 * LOGO_MAX)
    .refine((text) => Array.from(text).length <= LOGO_MAX, 'must have at most three characters')
    .meta({ maxLength: LOGO_MAX })
    .nullable()
    .meta({ description: 'Up to three letters in place of a logo; null = the first letter of the name.' }),
  return_origins: z
    .array(webOrigin)
    .max(ORIGINS_MAX)
    .meta({ description: 'The only sites that a page can lead back to (`return_url`). None by default.' }),
  frame_ancestors: z
    .array(webOrigin)
    .max(ORIGINS_MAX)
    .meta({ description: 'The only sites that can show a page in a frame. None by default.' }),
};
const settings = z
  .object({
    ...members,
    redirect_uri: z.url().meta({
      description:
        'Where providers send the browser back to after a consent, for all apps and tenants. Register it there.',
      example: 'https://syncline.example.com/connect/callback',
    }),
  })
  .meta({ id: 'ConnectSettings' });
const change = z.strictObject(members).partial();

export const connectSettingsRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path,
    operationId: 'showConnectSettings',
    tag,
    summary: 'Show how connect pages look and where they can be embedded',
    responses: { 200: { description: 'The settings.', schema: settings, headers: ETAG } },
    async run(work, _input, { services }) {
      const found = await findConnectSettings(work);
      return { status: 200, body: toView(found, services), headers: etagOf(found) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'patch',
    path,
    operationId: 'changeConnectSettings',
    tag,
    summary: 'Change how connect pages look and where they can be embedded',
    description: 'Applies to open sessions too, from the next page that a person loads.',
    body: change,
    needsIfMatch: true,
    responses: { 200: { description: 'The changed settings.', schema: settings, headers: ETAG } },
    action: 'connect_settings.changed',
    async run(work, { body, ifMatch }, { services }) {
      const before = requireVersion(await lockConnectSettings(work), ifMatch, 'tenant_not_found');
      const after = await changeConnectSettings(work, {
        name: body.name === undefined ? before.name : body.name,
        color: body.color === undefined ? before.color : body.color,
        logoText: body.logo_text === undefined ? before.logoText : body.logo_text,
        returnOrigins: body.return_origins ?? before.returnOrigins,
        frameAncestors: body.frame_ancestors ?? before.frameAncestors,
      });
      return {
        status: 200,
        body: toView(after, services),
        headers: etagOf(after),
        audit: { target: null, detail: { from: toWire(before), to: toWire(after) } },
      };
    },
  }),
];

const toView = (found: ConnectSettings, { config }: ApiDependencies): z.output<typeof settings> => ({
  ...toWire(found),
  redirect_uri: redirectUri(config),
});

const toWire = (found: ConnectSettings) => ({
  name: found.name,
  color: found.color,
  logo_text: found.logoText,
  return_origins: found.returnOrigins,
  frame_ancestors: found.frameAncestors,
});
