/** The introduction and the sections of the API description. */

/** The version of the API description. Additions to v1 raise the second number. */
export const API_VERSION = '1.0.0';

export const DESCRIPTION = [
  'Syncline keeps your records in sync with third-party apps. Post changes of records; ' +
    'each integration pushes them after its grace period. Records of the apps are imported ' +
    'every hour, every night, and on request.',
  '',
  'Version v1 only gets additions: ignore fields, values and stream topics that you do not know.',
  '',
  '- The prefix of an id tells its type (`int_…`). Times are RFC 3339 in UTC.',
  '- Lists return `{data, next_cursor}`. Read on until `next_cursor` is null.',
  '- Errors are problem details (RFC 9457). `code` never changes; `type` is the URL of a ' +
    'page about the error.',
  '- Send an `Idempotency-Key` with a POST: for 24 hours, a repeated request gets the same ' +
    'response and has no second effect.',
  '- A key can act for a person of its tenant: `Syncline-Acting-As: psn_…`. It then has ' +
    'the lower of the two roles, and its actions are logged as those of the person.',
  '- Routes for tenant keys under `/v1` are also served under `/console/v1` for users who ' +
    'are signed in to the console. Keys do not work there, and the session cookie does not ' +
    'work under `/v1`.',
].join('\n');

export const TAGS: Readonly<Record<string, string>> = {
  Operations: 'For operators of the service. No key is needed.',
  Tenants: 'The customers of the team that runs Syncline. Managed with the platform key.',
  People: 'The people who can sign in to the console of a tenant, and their roles.',
  Console: 'Signing in and out with a cookie, for the console. Programs use API keys.',
  'API keys': 'The API keys of a tenant. Each key is shown only once.',
  Connectors: 'The kinds of apps that can be linked.',
  'Third-party definitions':
    'Products described once, for all tenants: how to sign in, what to call, which fields there are.',
  Integrations: "A tenant's links to third-party apps: settings, mappings, credentials.",
  Records: 'Changes of records, one by one or in batches, and their sync status.',
  'Record syncs': 'The sync state of one record at one integration, and actions on it.',
  'Sync Overview': 'Dry runs of a sync, Sync Now, and the operations that track both.',
  'Sync runs':
    'Imports from third-party apps: who or what started them, progress, changes and errors. Kept forever.',
  'Sync schedules': 'The schedules of the integrations, and scheduled runs that were skipped.',
  Onboarding: 'The initial load after linking. Until it is done, the imported record types are read-only.',
  'Sync status': 'The number of records in Syncline and in the app.',
  Metadata: 'Record types, fields and picklists of the apps, and how they changed.',
  Drifts: 'What was changed in apps after it was pushed.',
  'Sync conflicts': 'Fields that were changed on both sides, and records that could not be matched.',
  'Push reviews': 'Pushes that exceeded a safety threshold and wait for a decision.',
  'Deletion reviews':
    'Deletions, emptied fields and sudden growth that exceeded a safety threshold and wait for a decision.',
  Erasures:
    'Records of people are erased everywhere, after a preview. A receipt without personal data stays.',
  'Parked work': 'Work during which workers ended repeatedly. It waits until an admin retries it.',
  Outbox: 'Messages of all tenants that wait for Temporal.',
  'Push log': 'Every push: what was sent, why, who made the change, and the result.',
  Events: 'The events that webhooks send, as a feed to poll.',
  'Webhook endpoints': 'URLs to which signed events are posted. docs/webhooks.md is the guide for receivers.',
  'Webhook deliveries': 'Deliveries to webhook endpoints with every attempt, and sending them again.',
  Webhooks:
    'The events posted to webhook endpoints. Events can gain fields, and new types can be ' +
    'added: ignore what you do not know.',
  Notifications: 'Notifications for people, in the app and by e-mail.',
  'Audit log': 'Every change, with who made it.',
  Stream: 'Changes as they happen, as Server-Sent Events.',
  'Time zones': 'The time zones that a tenant can choose.',
};
