/** Notifications, the people who receive them, e-mails, and the long-running operations people wait for. */
import { allTenants, tenantTable } from './access';

const tables = [
  `create table notifications (
     tenant_id uuid not null,
     notification_id uuid not null,
     kind text not null check (kind in (
       'sync_overview_ready', 'sync_complete', 'sync_could_not_finish', 'onboarding_complete',
       'onboarding_failed', 'integration_needs_reauthorization', 'integration_unavailable',
       'deletions_need_review', 'difference_remains', 'endpoint_failing', 'endpoint_disabled')),
     integration_id uuid,
     overview_id uuid,
     sync_run_id uuid,
     webhook_endpoint_id uuid,
     detail text not null,
     created_at timestamptz not null,
     resolved_at timestamptz,
     primary key (tenant_id, notification_id)
   )`,

  `create table notification_recipients (
     tenant_id uuid not null,
     notification_recipient_id uuid not null,
     notification_id uuid not null,
     person_id uuid not null,
     -- The operation that the person requested; null for notifications that were not requested.
     operation_id uuid,
     -- From then on it is in the inbox, unless the person has received the result itself.
     visible_at timestamptz not null,
     revealed_at timestamptz,
     email_at timestamptz,
     viewed_at timestamptz,
     viewed_how text check (viewed_how in ('seen', 'opened', 'target_opened', 'marked')),
     decision text check (decision in (
       'viewed', 'emailed', 'snapshot_invalid', 'email_off', 'person_disabled', 'address_refused',
       'not_needed')),
     decision_reason text,
     decided_at timestamptz,
     email_id uuid,
     -- Why an e-mail that had been decided was withdrawn before it was sent.
     email_withdrawn_reason text,
     primary key (tenant_id, notification_recipient_id),
     foreign key (tenant_id, notification_id) references notifications deferrable initially deferred,
     foreign key (tenant_id, person_id) references people,
     check ((decision is null) = (decided_at is null)),
     check (decision <> 'viewed' or viewed_at is not null)
   )`,

  // No row = the defaults.
  `create table notification_settings (
     tenant_id uuid primary key references tenants,
     is_email_on boolean not null default true,
     email_delay_seconds integer not null default 900 check (email_delay_seconds between 0 and 86400),
     version integer not null default 1,
     updated_at timestamptz not null
   )`,

  `create table emails (
     tenant_id uuid not null,
     email_id uuid not null,
     kind text not null,
     recipient text not null,
     -- Parameters of the template: ids, names and counts.
     content jsonb not null,
     attempts integer not null default 0,
     last_error text,
     created_at timestamptz not null,
     sent_at timestamptz,
     failed_at timestamptz,
     -- null = sent to the tenant's contact address.
     person_id uuid,
     -- Start of an attempt whose outcome is unknown: the mail server may have accepted the message.
     attempted_at timestamptz,
     withdrawn_at timestamptz,
     withdrawn_reason text check (withdrawn_reason in (
       'viewed', 'snapshot_invalid', 'email_off', 'person_disabled', 'address_refused', 'not_needed',
       'digest')),
     primary key (tenant_id, email_id)
   )`,

  // An address that the mail server refused. It does not count for a person whose address has changed since.
  `create table undeliverable_addresses (
     tenant_id uuid not null,
     person_id uuid not null,
     email text not null,
     -- The mail server's words.
     detail text not null,
     refused_at timestamptz not null,
     primary key (tenant_id, person_id),
     foreign key (tenant_id, person_id) references people
   )`,

  // A requested overview or Sync Now, until the requester has its result (rules.md 18).
  `create table operations (
     tenant_id uuid not null,
     operation_id uuid not null,
     kind text not null check (kind in ('overview', 'sync_now')),
     integration_id uuid not null,
     overview_id uuid,
     sync_run_id uuid,
     requested_by text not null,
     person_id uuid,
     requested_at timestamptz not null,
     ended_at timestamptz,
     -- When the response with the result was sent.
     answered_at timestamptz,
     primary key (tenant_id, operation_id),
     check ((overview_id is null) <> (sync_run_id is null))
   )`,
];

const indexes = [
  // One open notification per episode, however many records and workers run into it (rules.md 10).
  `create unique index notifications_open_once on notifications (tenant_id, integration_id, kind)
     where resolved_at is null`,
  `create index notifications_by_overview on notifications (tenant_id, overview_id)
     where overview_id is not null`,
  `create index notifications_by_sync_run on notifications (tenant_id, sync_run_id)
     where sync_run_id is not null`,
  `create unique index notification_recipients_once
     on notification_recipients (tenant_id, person_id, notification_id)`,
  // One notification per operation, even if its end is processed twice.
  `create unique index notification_recipients_by_operation
     on notification_recipients (tenant_id, operation_id)
     where operation_id is not null`,
  `create index notification_recipients_unread on notification_recipients (tenant_id, person_id)
     where revealed_at is not null and viewed_at is null`,
  `create index notification_recipients_by_email on notification_recipients (tenant_id, email_id)
     where email_id is not null`,
  `create index notification_recipients_undecided on notification_recipients (visible_at)
     where decision is null`,
  `create index emails_unsent_by_person on emails (tenant_id, person_id, created_at)
     where person_id is not null and sent_at is null and failed_at is null and withdrawn_at is null`,
  `create index emails_sent_by_person on emails (tenant_id, person_id, sent_at)
     where person_id is not null and sent_at is not null`,
  `create index operations_by_overview on operations (tenant_id, overview_id) where overview_id is not null`,
  `create index operations_by_sync_run on operations (tenant_id, sync_run_id) where sync_run_id is not null`,
];

const access = [
  ...tenantTable('notifications', 'select, insert, update'),
  ...tenantTable('notification_recipients', 'select, insert, update'),
  ...tenantTable('notification_settings', 'select, insert, update'),
  ...tenantTable('emails', 'select, insert, update'),
  ...tenantTable('undeliverable_addresses', 'select, insert, update'),
  ...tenantTable('operations', 'select, insert, update'),

  ...allTenants(
    'syncline_dispatcher',
    'notification_recipients',
    `select (tenant_id, notification_recipient_id, visible_at, email_at, decision)`,
  ),
  ...allTenants(
    'syncline_dispatcher',
    'emails',
    `select (tenant_id, email_id, created_at, sent_at, failed_at, withdrawn_at)`,
  ),
];

export const notifications = [...tables, ...indexes, ...access];
