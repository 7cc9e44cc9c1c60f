/** Whether and when the people of a tenant get e-mails about notifications that they have not viewed. */
import { z } from 'zod';
import { findRefusedAddress } from '../../db/notifications/undeliverable-addresses';
import {
  changeNotificationSettings,
  findNotificationSettings,
  lockNotificationSettings,
  type NotificationSettings,
} from '../../db/notifications/notification-settings';
import { changePersonEmails, findPerson } from '../../db/tenants/people';
import { toTypeId } from '../../db/sql/ids';
import { defineRoute, type Route } from '../routing/define-route';
import type { TenantContext } from '../routing/context';
import type { TenantWork } from '../../db/database';
import { instant, orNull, toInstant } from '../routing/common-schemas';
import { requireOwnPerson } from './notification-routes';
import { ETAG, etagOf, requireVersion } from '../routing/etag';

const settings = z
  .object({
    is_email_on: z.boolean().meta({
      description:
        'If false, no e-mails about notifications are sent. Decisions that were already made are kept.',
    }),
    email_delay_seconds: z.number().int().meta({
      description: 'How long to wait before sending an e-mail about a notification that has not been viewed.',
    }),
    own_is_email_on: z
      .boolean()
      .nullable()
      .meta({
        description:
          'Whether you yourself get e-mails about notifications; null for a key that acts for no person. If ' +
          'false, an admin still gets those about errors that last until an admin acts.',
      }),
    own_address_refused: orNull(
      z.object({ email: z.string(), refused_at: instant }).meta({
        id: 'RefusedAddress',
        description: 'A mail server reported that the address does not exist.',
      }),
    ).meta({
      description:
        'Set if your own address was refused: no e-mails are sent to you until your address is ' +
        'changed. Null otherwise.',
    }),
  })
  .meta({ id: 'NotificationSettings' });

export const notificationSettingsRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/notification-settings',
    operationId: 'showNotificationSettings',
    tag: 'Notifications',
    summary: 'Show when notifications are sent by e-mail',
    responses: { 200: { description: 'The settings.', schema: settings, headers: ETAG } },
    async run(work, _input, context) {
      const found = await findNotificationSettings(work);
      return { status: 200, body: await toWire(work, found, context), headers: etagOf(found) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'patch',
    path: '/v1/notification-settings',
    operationId: 'changeNotificationSettings',
    tag: 'Notifications',
    summary: 'Change when notifications are sent by e-mail',
    description:
      'A new delay applies to notifications from now on. The switch applies to all e-mails ' +
      'that have not been sent.',
    body: z.strictObject({
      is_email_on: z.boolean().optional(),
      email_delay_seconds: z.number().int().min(0).max(86_400).optional(),
    }),
    needsIfMatch: true,
    responses: { 200: { description: 'The changed settings.', schema: settings, headers: ETAG } },
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
        audit: { target: null, detail: { from: toWireSettings(before), to: toWireSettings(after) } },
      };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'patch',
    path: '/v1/notification-settings/own',
    operationId: 'changeOwnNotificationSettings',
    tag: 'Notifications',
    summary: 'Turn e-mails to yourself on or off',
    description:
      'Applies to all e-mails that have not been sent. The unsubscribe link of an e-mail does the same.',
    body: z.strictObject({ is_email_on: z.boolean() }),
    responses: { 200: { description: 'The settings.', schema: settings, headers: ETAG } },
    problems: ['person_required', 'role_insufficient'],
    action: 'person.emails_changed',
    async run(work, { body }, context) {
      const personId = requireOwnPerson(context);
      await changePersonEmails(work, { personId, isEmailOn: body.is_email_on });
      const found = await findNotificationSettings(work);
      return {
        status: 200,
        body: await toWire(work, found, context),
        headers: etagOf(found),
        audit: { target: toTypeId('psn', personId), detail: { is_email_on: body.is_email_on } },
      };
    },
  }),
];

const toWireSettings = ({ isEmailOn, emailDelaySeconds }: NotificationSettings) => ({
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
  const person = personId === null ? undefined : await findPerson(work, { personId });
  return {
    ...toWireSettings(found),
    own_is_email_on: person?.isEmailOn ?? null,
    own_address_refused:
      refused === undefined ? null : { email: refused.email, refused_at: toInstant(refused.refusedAt) },
  };
}
