/**
 * Notifications. Each person has an inbox; a key that acts for no person sees the notifications of the
 * tenant.
 */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import {
  countUnread,
  type InboxNotification,
  listInbox,
  viewNotification,
  viewNotificationsUpTo,
} from '../../db/notifications/inbox';
import { listNotifications, type Notification } from '../../db/notifications/notifications';
import {
  describeNotification,
  NOTIFICATION_DECISIONS,
  NOTIFICATION_KINDS,
} from '../../domain/notifications/notification-kinds';
import { typeIdOf } from '../../domain/typeid';
import { HttpError } from '../http/http-error';
import { defineRoute, type Route } from '../routing/define-route';
import { ownPersonIdOf } from '../routing/caller';
import type { TenantContext } from '../routing/context';
import {
  booleanParam,
  idParam,
  instant,
  orNull,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';

const emailOutcome = z
  .object({
    decision: z.enum(NOTIFICATION_DECISIONS).nullable().meta({
      description: 'The decision whether to send the e-mail; null until it is made. It is made once.',
    }),
    reason: z.string().nullable(),
    decided_at: instant.nullable(),
    sent_at: instant.nullable(),
    failed_at: instant.nullable().meta({
      description:
        'When sending failed: the mail server refused the e-mail or could not be reached for 31 hours.',
    }),
    withdrawn_reason: z
      .string()
      .nullable()
      .meta({ description: 'Why a planned e-mail was withdrawn before it was sent.' }),
  })
  .meta({
    id: 'NotificationEmail',
    description:
      'The e-mail of the notification: at most one, and none if the notification was viewed in time.',
  });

const notification = z
  .object({
    id: typeId('ntf'),
    kind: z.enum(NOTIFICATION_KINDS),
    severity: z.enum(['info', 'warning', 'error']),
    title: z.string(),
    explanation: z.string(),
    detail: z
      .string()
      .meta({ description: 'Details of this notification; they may contain text from the app.' }),
    path: z
      .string()
      .meta({ description: 'The console page with details.', example: '/console/sync-runs/run_…' }),
    integration_id: typeId('int').nullable(),
    overview_id: typeId('ovw').nullable(),
    sync_run_id: typeId('run').nullable(),
    webhook_endpoint_id: z.string().nullable(),
    created_at: instant,
    appeared_at: instant.nullable().meta({
      description:
        "When it appeared in the person's inbox, which can be later than newer ones. null for an API key.",
    }),
    resolved_at: instant.nullable().meta({
      description:
        'When the cause ended. For a notification without a cause that can end, the time of the ' +
        'notification.',
    }),
    viewed_at: instant.nullable().meta({
      description: "When the person viewed it. Always null in the tenant's list, which has no owner.",
    }),
    email: orNull(emailOutcome).meta({ description: "Always null in the tenant's list." }),
  })
  .meta({ id: 'Notification' });

const unread = z.object({ unread: z.number().int() });
const PERSON_PROBLEMS = ['person_required'] as const;

export const notificationRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/notifications',
    operationId: 'listNotifications',
    tag: 'Notifications',
    summary: 'List notifications, newest first',
    description:
      'A person gets their own inbox: notifications about work they started, and those for all ' +
      'admins. A key that acts for no person gets the notifications of the tenant; none of ' +
      'them is viewed, so `is_viewed=true` returns an empty list.',
    query: z.strictObject({
      ...listParams,
      is_open: booleanParam.optional(),
      is_viewed: booleanParam.optional(),
    }),
    responses: {
      200: {
        description: 'One notification per incident, even if it affects many records.',
        schema: listOf(notification),
      },
    },
    problems: ['invalid_cursor'],
    async run(work, { query }, { caller }) {
      const personId = caller.kind === 'tenant' ? caller.personId : null;
      const scope = ['notifications', work.tenantId, personId, query.is_open, query.is_viewed];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const filter = { limit: limit + 1, before: after, isOpen: query.is_open };
      const rows: (Notification | InboxNotification)[] =
        personId !== null
          ? await listInbox(work, { personId, ...filter, isViewed: query.is_viewed })
          : query.is_viewed === true
            ? []
            : await listNotifications(work, filter);
      return {
        status: 200,
        body: toPage(rows, limit, scope, ({ notificationId }) => notificationId, toWire),
      };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/notifications/unread',
    operationId: 'countUnreadNotifications',
    tag: 'Notifications',
    summary: 'Count your unread notifications',
    description: 'Counting does not mark notifications as viewed.',
    responses: { 200: { description: 'The number of unread notifications.', schema: unread } },
    problems: PERSON_PROBLEMS,
    async run(work, _input, context) {
      return { status: 200, body: { unread: await countUnread(work, { personId: requirePerson(context) }) } };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: '/v1/notifications/{notification_id}/viewed',
    operationId: 'viewNotification',
    tag: 'Notifications',
    summary: 'Mark a notification as viewed',
    description:
      '`seen`: it was visible in the open inbox for a second. `opened`: the person opened it. ' +
      'This cannot be undone, applies to this person only, and prevents the e-mail about the ' +
      'notification.',
    params: z.strictObject({ notification_id: idParam('ntf', 'notification_not_found') }),
    body: z.strictObject({ how: z.enum(['seen', 'opened']) }),
    responses: { 200: { description: 'The number of notifications that are still unread.', schema: unread } },
    problems: ['notification_not_found', 'role_insufficient', ...PERSON_PROBLEMS],
    action: 'notification.viewed',
    async run(work, { params, body }, context) {
      const personId = requireOwnPerson(context);
      if (
        !(await viewNotification(work, { personId, notificationId: params.notification_id, how: body.how }))
      )
        throw new HttpError('notification_not_found');
      // The notification itself records who viewed it and when, so the audit log has no entry.
      return { status: 200, body: { unread: await countUnread(work, { personId }) }, audit: null };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: '/v1/notifications/viewed',
    operationId: 'viewNotifications',
    tag: 'Notifications',
    summary: 'Mark all notifications up to one as viewed',
    description:
      '`up_to` is the notification that appeared last on the page, by `appeared_at`. Those that appeared ' +
      'later stay unread. One request marks 1,000 at most, those that appeared last.',
    body: z.strictObject({ up_to: idParam('ntf', 'notification_not_found') }),
    responses: { 200: { description: 'The number of notifications that are still unread.', schema: unread } },
    problems: ['notification_not_found', 'role_insufficient', ...PERSON_PROBLEMS],
    action: 'notification.viewed',
    async run(work, { body }, context) {
      const personId = requireOwnPerson(context);
      await viewNotificationsUpTo(work, { personId, notificationId: body.up_to });
      return { status: 200, body: { unread: await countUnread(work, { personId }) }, audit: null };
    },
  }),
];

/** Throws `person_required`, or `role_insufficient` for a key of a lower role than that of the person. */
export function requireOwnPerson(context: TenantContext): string {
  requirePerson(context);
  const personId = ownPersonIdOf(context.caller);
  if (personId === null) throw new HttpError('role_insufficient');
  return personId;
}

function requirePerson({ caller }: TenantContext): string {
  if (caller.kind !== 'tenant' || caller.personId === null) throw new HttpError('person_required');
  return caller.personId;
}

function toWire(row: Notification | InboxNotification): z.output<typeof notification> {
  const { kind, integrationId, overviewId, syncRunId, webhookEndpointId, app } = row;
  const { severity, title, explanation, path } = describeNotification(kind);
  return {
    id: toTypeId('ntf', row.notificationId),
    kind,
    severity,
    title: title(app === null ? null : { app, accountName: row.accountName ?? '' }),
    explanation,
    detail: row.detail,
    path: path(row),
    integration_id: integrationId === null ? null : toTypeId('int', integrationId),
    overview_id: overviewId === null ? null : toTypeId('ovw', overviewId),
    sync_run_id: syncRunId === null ? null : toTypeId('run', syncRunId),
    webhook_endpoint_id: webhookEndpointId === null ? null : typeIdOf('whe', webhookEndpointId),
    created_at: toInstant(row.createdAt),
    appeared_at: 'revealedAt' in row ? toInstantOrNull(row.revealedAt) : null,
    resolved_at: toInstantOrNull(row.resolvedAt),
    viewed_at: 'viewedAt' in row ? toInstantOrNull(row.viewedAt) : null,
    email:
      'viewedAt' in row
        ? {
            decision: row.decision,
            reason: row.decisionReason,
            decided_at: toInstantOrNull(row.decidedAt),
            sent_at: row.emailWithdrawnReason === null ? toInstantOrNull(row.emailSentAt) : null,
            failed_at: row.emailWithdrawnReason === null ? toInstantOrNull(row.emailFailedAt) : null,
            withdrawn_reason: row.emailWithdrawnReason,
          }
        : null,
  };
}
