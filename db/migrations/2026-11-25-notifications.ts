/**
 * Notifications reach people: what happened is one row, what becomes of it a row per person. Settings of a tenant, addresses that
 * take no mail, and e-mails that are taken back before they have left.
 */
import { type Kysely, sql } from 'kysely';

const TENANT_TABLES = ['notification_recipients', 'notification_settings', 'undeliverable_addresses'];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...changes(), ...tables(), ...policies(), ...grants()])
    await sql.raw(statement).execute(db);
}

function changes(): string[] {
  return [
    // Which lanes there are, the code's own types say: every feature has one.
    `alter table outbox drop constraint outbox_topic_check`,
    `alter table notifications drop constraint notifications_kind_check`,
    `alter table notifications add constraint notifications_kind_check check (kind in
       ('sync_overview_ready', 'sync_complete', 'sync_could_not_finish', 'onboarding_complete', 'onboarding_failed', 'integration_needs_reauthorization',
        'integration_unavailable', 'deletions_need_review', 'difference_remains', 'endpoint_failing', 'endpoint_disabled'))`,
    `alter table notifications alter column integration_id drop not null`,
    `alter table notifications add column overview_id uuid`,
    `alter table notifications add column sync_run_id uuid`,
    `alter table notifications add column webhook_endpoint_id uuid`,
    // What one person is told; null = to whoever holds the tenant's address.
    `alter table emails add column person_id uuid`,
    // An attempt that nobody has heard the end of: the mail server may have taken it.
    `alter table emails add column attempted_at timestamptz`,
    `alter table emails add column withdrawn_at timestamptz`,
    `alter table emails add column withdrawn_reason text check (withdrawn_reason in
       ('viewed', 'snapshot_invalid', 'email_off', 'person_disabled', 'address_refused', 'not_needed', 'digest'))`,
    `create index emails_of_a_person on emails (tenant_id, person_id, created_at)
       where person_id is not null and sent_at is null and failed_at is null and withdrawn_at is null`,
    `create index emails_sent_to_a_person on emails (tenant_id, person_id, sent_at) where person_id is not null and sent_at is not null`,
  ];
}

function tables(): string[] {
  return [
    `create table notification_recipients (
       tenant_id uuid not null,
       notification_recipient_id uuid not null,
       notification_id uuid not null,
       person_id uuid not null,
       -- What the person waits for; null where nobody asked for it.
       operation_id uuid,
       -- Whoever has the answer itself by then is never told.
       visible_at timestamptz not null,
       revealed_at timestamptz,
       email_at timestamptz,
       viewed_at timestamptz,
       viewed_how text check (viewed_how in ('seen', 'opened', 'target_opened', 'marked')),
       decision text check (decision in
         ('viewed', 'emailed', 'snapshot_invalid', 'email_off', 'person_disabled', 'address_refused', 'not_needed')),
       decision_reason text,
       decided_at timestamptz,
       email_id uuid,
       -- It was to be sent, and was taken back before it left.
       email_withdrawn_reason text,
       primary key (tenant_id, notification_recipient_id),
       foreign key (tenant_id, notification_id) references notifications deferrable initially deferred,
       foreign key (tenant_id, person_id) references people,
       check ((decision is null) = (decided_at is null)),
       check (decision <> 'viewed' or viewed_at is not null)
     )`,
    `create unique index notification_recipients_once on notification_recipients (tenant_id, person_id, notification_id)`,
    // However often the end of an operation is told.
    `create unique index notification_recipients_by_operation on notification_recipients (tenant_id, operation_id) where operation_id is not null`,
    `create index notification_recipients_unread on notification_recipients (tenant_id, person_id) where revealed_at is not null and viewed_at is null`,
    `create index notification_recipients_by_email on notification_recipients (tenant_id, email_id) where email_id is not null`,
    `create index notification_recipients_undecided on notification_recipients (visible_at) where decision is null`,
    `create index notifications_by_overview on notifications (tenant_id, overview_id) where overview_id is not null`,
    `create index notifications_by_sync_run on notifications (tenant_id, sync_run_id) where sync_run_id is not null`,

    // No row = as it stands when a tenant is made.
    `create table notification_settings (
       tenant_id uuid primary key references tenants,
       is_email_on boolean not null default true,
       email_delay_seconds integer not null default 900 check (email_delay_seconds between 0 and 86400),
       version integer not null default 1,
       updated_at timestamptz not null
     )`,

    // Of a person's address that is no more: another address has not been refused.
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
  ];
}

function policies(): string[] {
  const ofTheTenant = `tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid)`;
  return [
    ...TENANT_TABLES.flatMap((table) => [
      `alter table ${table} enable row level security`,
      `alter table ${table} force row level security`,
      `create policy of_the_tenant on ${table} to syncline_app using (${ofTheTenant}) with check (${ofTheTenant})`,
    ]),
    `create policy of_the_dispatcher on notification_recipients to syncline_dispatcher using (true)`,
  ];
}

function grants(): string[] {
  return [
    `grant select, insert, update on ${TENANT_TABLES.join(', ')} to syncline_app`,
    `grant select (tenant_id, notification_recipient_id, visible_at, email_at, decision) on notification_recipients to syncline_dispatcher`,
    `grant select (withdrawn_at) on emails to syncline_dispatcher`,
  ];
}
