/** Notifications: what people have to know of. Whoever is signed in, or named by a key that acts for somebody, has an inbox of their own. */
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
import { type Route, type TenantContext, tenantRoute } from '../routing/define-route';
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
    decision: z
      .enum(NOTIFICATION_DECISIONS)
      .nullable()
      .meta({ description: 'Null until its time has come. Decided once.' }),
    reason: z.string().nullable(),
    decided_at: instant.nullable(),
    sent_at: instant.nullable(),
    failed_at: instant
      .nullable()
      .meta({ description: 'The mail server refused it, or could not be reached for 31 hours.' }),
    withdrawn_reason: z
      .string()
      .nullable()
      .meta({ description: 'It was to be sent, but its reason went away before it left.' }),
  })
  .meta({
    id: 'NotificationEmail',
    description: 'What became of its e-mail: at most one, and none where it was viewed in time.',
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
      .meta({ description: 'What there is to say about this one; may hold words of the third party.' }),
    path: z.string().meta({ description: 'The page that shows it.', example: '/console/sync-runs/run_…' }),
    integration_id: typeId('int').nullable(),
    overview_id: typeId('ovw').nullable(),
    sync_run_id: typeId('run').nullable(),
    webhook_endpoint_id: z.string().nullable(),
    created_at: instant,
    resolved_at: instant
      .nullable()
      .meta({ description: 'When its cause went away; of mere news, when it was told.' }),
    viewed_at: instant.nullable().meta({
      description: "When the person viewed it. Null in the tenant's list, which is nobody's inbox.",
    }),
    email: orNull(emailOutcome).meta({ description: "Null in the tenant's list." }),
  })
  .meta({ id: 'Notification' });

const unread = z.object({ unread: z.number().int() });
const OF_A_PERSON = ['person_required'] as const;

export const notificationRoutes: readonly Route[] = [
  tenantRoute({
    method: 'get',
    path: '/v1/notifications',
    operationId: 'listNotifications',
    tag: 'Notifications',
    summary: 'List notifications, newest first',
    description:
      'A person gets their own inbox: what they started, and what all admins have to know. A key on its own behalf gets what concerns the tenant as a whole; it has viewed nothing, so `is_viewed=true` finds nothing.',
    query: z.strictObject({
      ...listParams,
      is_open: booleanParam.optional(),
      is_viewed: booleanParam.optional(),
    }),
    answers: {
      200: {
        description: 'One notification per episode, however many records it concerns.',
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

  tenantRoute({
    method: 'get',
    path: '/v1/notifications/unread',
    operationId: 'countUnreadNotifications',
    tag: 'Notifications',
    summary: "Count a person's notifications that were not viewed",
    description: 'Counting them views none.',
    answers: { 200: { description: 'How many.', schema: unread } },
    problems: OF_A_PERSON,
    async run(work, _input, context) {
      return { status: 200, body: { unread: await countUnread(work, { personId: personOf(context) }) } };
    },
  }),

  tenantRoute({
    method: 'post',
    path: '/v1/notifications/{notification_id}/viewed',
    operationId: 'viewNotification',
    tag: 'Notifications',
    summary: 'Say that a notification was viewed',
    description:
      '`seen`: it was visible for a second in the open inbox. `opened`: somebody followed it. For good, and for this person alone; no e-mail about it leaves afterwards.',
    params: z.strictObject({ notification_id: idParam('ntf', 'notification_not_found') }),
    body: z.strictObject({ how: z.enum(['seen', 'opened']) }),
    answers: { 200: { description: 'How many are left.', schema: unread } },
    problems: ['notification_not_found', ...OF_A_PERSON],
    action: 'notification.viewed',
    async run(work, { params, body }, context) {
      const personId = personOf(context);
      if (
        !(await viewNotification(work, { personId, notificationId: params.notification_id, how: body.how }))
      )
        throw new HttpError('notification_not_found');
      // The notification's own row says who viewed it when: the audit log need not.
      return { status: 200, body: { unread: await countUnread(work, { personId }) }, audit: null };
    },
  }),

  tenantRoute({
    method: 'post',
    path: '/v1/notifications/viewed',
    operationId: 'viewNotifications',
    tag: 'Notifications',
    summary: 'Mark all as viewed, up to one',
    description: '`up_to` is the newest that the page shows: what comes meanwhile stays unread.',
    body: z.strictObject({ up_to: idParam('ntf', 'notification_not_found') }),
    answers: { 200: { description: 'How many are left.', schema: unread } },
    problems: ['notification_not_found', ...OF_A_PERSON],
    action: 'notification.viewed',
    async run(work, { body }, context) {
      const personId = personOf(context);
      await viewNotificationsUpTo(work, { personId, notificationId: body.up_to });
      return { status: 200, body: { unread: await countUnread(work, { personId }) }, audit: null };
    },
  }),
];

function personOf({ caller }: TenantContext): string {
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
