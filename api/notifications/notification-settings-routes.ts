/** Whether and when a tenant's people are sent e-mails about what they have not looked at. */
import { z } from 'zod';
import { findRefusedAddress } from '../../db/notifications/undeliverable-addresses';
import {
  changeNotificationSettings,
  findNotificationSettings,
  lockNotificationSettings,
  type NotificationSettings,
} from '../../db/notifications/notification-settings';
import { type Route, type TenantContext, tenantRoute } from '../routing/define-route';
import type { TenantWork } from '../../db/database';
import { instant, orNull, toInstant } from '../routing/common-schemas';
import { etagOf, requireVersion } from '../routing/etag';

const settings = z
  .object({
    is_email_on: z.boolean().meta({
      description: 'Off: nobody gets e-mails about notifications. What is decided already is kept.',
    }),
    email_delay_seconds: z.number().int().meta({
      description:
        'How long a notification is in the platform before it is sent by e-mail, unless it is viewed.',
    }),
    own_address_refused: orNull(
      z
        .object({ email: z.string(), refused_at: instant })
        .meta({ id: 'RefusedAddress', description: 'A mail server said that there is no such address.' }),
    ).meta({
      description:
        'Of the person who asks: no e-mail is sent to them until they have another address. Null otherwise.',
    }),
  })
  .meta({ id: 'NotificationSettings' });

const ETAG = { ETag: 'The version; send it as If-Match to change this.' };

export const notificationSettingsRoutes: readonly Route[] = [
  tenantRoute({
    method: 'get',
    path: '/v1/notification-settings',
    operationId: 'showNotificationSettings',
    tag: 'Notifications',
    summary: 'Show when notifications are sent by e-mail',
    answers: { 200: { description: 'The settings.', schema: settings, headers: ETAG } },
    async run(work, _input, context) {
      const found = await findNotificationSettings(work);
      return { status: 200, body: await toWire(work, found, context), headers: etagOf(found) };
    },
  }),

  tenantRoute({
    method: 'patch',
    path: '/v1/notification-settings',
    operationId: 'changeNotificationSettings',
    tag: 'Notifications',
    summary: 'Change when notifications are sent by e-mail',
    description:
      'The delay counts for what is shown from now on; the switch for every e-mail that has not left.',
    body: z.strictObject({
      is_email_on: z.boolean().optional(),
      email_delay_seconds: z.number().int().min(0).max(86_400).optional(),
    }),
    needsIfMatch: true,
    answers: { 200: { description: 'The settings as they are now.', schema: settings, headers: ETAG } },
    action: 'notification_settings.changed',
    async run(work, { body, ifMatch }, context) {
      const before = requireVersion(await lockNotificationSettings(work), ifMatch, 'tenant_not_found');
      const after = await changeNotificationSettings(work, {
        ...(body.is_email_on === undefined ? {} : { isEmailOn: body.is_email_on }),
        ...(body.email_delay_seconds === undefined ? {} : { emailDelaySeconds: body.email_delay_seconds }),
      });
      return {
        status: 200,
        body: await toWire(work, after, context),
        headers: etagOf(after),
        audit: { target: null, detail: { from: plain(before), to: plain(after) } },
      };
    },
  }),
];

const plain = ({ isEmailOn, emailDelaySeconds }: NotificationSettings) => ({
  is_email_on: isEmailOn,
  email_delay_seconds: emailDelaySeconds,
});

async function toWire(
  work: TenantWork,
  found: NotificationSettings,
  { caller }: TenantContext,
): Promise<z.output<typeof settings>> {
  const personId = caller.kind === 'tenant' ? caller.personId : null;
  const refused = personId === null ? undefined : await findRefusedAddress(work, { personId });
  return {
    ...plain(found),
    own_address_refused:
      refused === undefined ? null : { email: refused.email, refused_at: toInstant(refused.refusedAt) },
  };
}
