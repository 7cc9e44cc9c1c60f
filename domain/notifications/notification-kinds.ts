/**
 * The catalogue of notifications. A new kind is an entry here and one call where it happens.
 *
 * Titles and explanations contain only names given in Syncline, because e-mails quote them. The third party's
 * own words are the notification's `detail`, which only the console shows.
 */
import { typeIdOf } from '../typeid';

/** The subject; the kind decides which ids are set. */
export interface NotificationSubject {
  integrationId: string | null;
  overviewId: string | null;
  syncRunId: string | null;
  webhookEndpointId: string | null;
}

/** The integration's name; null if the notification is about none. */
type NamedIntegration = { app: string; accountName: string } | null;

type NotificationSeverity = 'info' | 'warning' | 'error';

export interface NotificationDescription {
  /** The recipients: the person who started the work, or every admin of the tenant. */
  audience: 'requester' | 'admins';
  severity: NotificationSeverity;
  /**
   * News is resolved at once. An alert stays open until its cause is gone; one is open per integration and
   * kind.
   */
  isNews: boolean;
  title(integration: NamedIntegration): string;
  /** The meaning and the next step. */
  explanation: string;
  /** The console page that shows the subject. The page is read-only and requires a sign-in. */
  path(subject: NotificationSubject): string;
}

const nameOf = (integration: NamedIntegration): string =>
  integration === null ? 'an integration' : `${integration.app} (${integration.accountName})`;
const integrationPath = ({ integrationId }: NotificationSubject): string =>
  integrationId === null
    ? '/console/notifications'
    : `/console/integrations/${typeIdOf('int', integrationId)}`;
const overviewPath = (subject: NotificationSubject): string =>
  subject.overviewId === null
    ? integrationPath(subject)
    : `/console/overviews/${typeIdOf('ovw', subject.overviewId)}`;
const syncRunPath = (subject: NotificationSubject): string =>
  subject.syncRunId === null
    ? overviewPath(subject)
    : `/console/sync-runs/${typeIdOf('run', subject.syncRunId)}`;
const endpointPath = ({ webhookEndpointId }: NotificationSubject): string =>
  webhookEndpointId === null
    ? '/console/webhooks'
    : `/console/webhooks/${typeIdOf('whe', webhookEndpointId)}`;

const NOTIFICATION_CATALOGUE = {
  sync_overview_ready: {
    audience: 'requester',
    severity: 'info',
    isNews: true,
    title: (integration) => `The Sync Overview of ${nameOf(integration)} is ready`,
    explanation:
      'The overview lists what Sync Now would change. The overview is valid for 7 days, until a newer overview is requested or a Sync Now runs.',
    path: overviewPath,
  },
  sync_complete: {
    audience: 'requester',
    severity: 'info',
    isNews: true,
    title: (integration) => `Sync Now of ${nameOf(integration)} is complete`,
    explanation: 'The Sync Log lists what was changed.',
    path: syncRunPath,
  },
  sync_could_not_finish: {
    audience: 'requester',
    severity: 'error',
    isNews: true,
    title: (integration) => `What you started for ${nameOf(integration)} could not be completed`,
    explanation: 'Open the notification to see the reason and the next step.',
    path: syncRunPath,
  },
  onboarding_complete: {
    audience: 'admins',
    severity: 'info',
    isNews: true,
    title: (integration) => `${nameOf(integration)} is ready`,
    explanation: 'The initial sync is complete. Its records can be edited now.',
    path: integrationPath,
  },
  onboarding_failed: {
    audience: 'admins',
    severity: 'error',
    isNews: false,
    title: (integration) => `${nameOf(integration)} could not be read`,
    explanation:
      'Its records cannot be edited yet. Open its sync logs to see the errors, fix them, and start a full sync.',
    path: integrationPath,
  },
  integration_needs_reauthorization: {
    audience: 'admins',
    severity: 'error',
    isNews: false,
    title: (integration) => `${nameOf(integration)} rejected its credentials`,
    explanation: 'Enter new credentials to resume syncing. Until then, changes wait and are not lost.',
    path: integrationPath,
  },
  integration_connected: {
    audience: 'admins',
    severity: 'info',
    isNews: true,
    title: (integration) => `${nameOf(integration)} was connected by a link`,
    explanation: 'The app accepted the sign-in. Open the integration to see what is synced.',
    path: integrationPath,
  },
  webhooks_silent: {
    audience: 'admins',
    severity: 'warning',
    isNews: false,
    title: (integration) => `The webhooks of ${nameOf(integration)} have stopped`,
    explanation:
      'Changes now arrive with the next sync instead of within seconds. Check the address and the secret in the app.',
    path: integrationPath,
  },
  integration_unavailable: {
    audience: 'admins',
    severity: 'warning',
    isNews: false,
    title: (integration) => `${nameOf(integration)} cannot be reached`,
    explanation: 'Syncline keeps retrying. Check the address if the app is reachable elsewhere.',
    path: integrationPath,
  },
  deletions_need_review: {
    audience: 'admins',
    severity: 'warning',
    isNews: false,
    title: (integration) => `Many records changed at once at ${nameOf(integration)}`,
    explanation:
      'The changes wait and were not applied in Syncline. Review the records, then approve or discard them.',
    path: integrationPath,
  },
  pushes_need_review: {
    audience: 'admins',
    severity: 'warning',
    isNews: false,
    title: (integration) => `Many changes for ${nameOf(integration)} wait for approval`,
    explanation: 'None of them was sent. Review the records, then approve or discard the pushes.',
    path: () => '/console/push-reviews',
  },
  drift_found: {
    audience: 'admins',
    severity: 'warning',
    isNews: false,
    title: (integration) => `Records were changed at ${nameOf(integration)} after they were pushed`,
    explanation:
      'Only Syncline pushes these records. Review the drifts: push the values again, or accept the values of the app.',
    path: ({ integrationId }) =>
      integrationId === null
        ? '/console/drifts'
        : `/console/drifts?integration_id=${typeIdOf('int', integrationId)}`,
  },
  difference_remains: {
    audience: 'admins',
    severity: 'warning',
    isNews: false,
    title: (integration) => `Record counts of ${nameOf(integration)} and Syncline differ`,
    explanation: 'A difference remained after a full sync. The notification names the records.',
    path: integrationPath,
  },
  endpoint_failing: {
    audience: 'admins',
    severity: 'warning',
    isNews: true,
    title: () => 'A webhook endpoint is failing',
    explanation: 'Every delivery fails. The endpoint is disabled after 5 days of failures.',
    path: endpointPath,
  },
  endpoint_disabled: {
    audience: 'admins',
    severity: 'error',
    isNews: true,
    title: () => 'A webhook endpoint was disabled',
    explanation:
      'The endpoint failed for 5 days, or answered 410 Gone. Fix and enable it, then recover the missed deliveries.',
    path: endpointPath,
  },
  work_parked: {
    audience: 'admins',
    severity: 'error',
    isNews: true,
    title: (integration) =>
      integration === null ? 'Work is parked' : `Work for ${nameOf(integration)} is parked`,
    explanation:
      'Workers ended repeatedly while they worked on it. Tell the operator of Syncline, and retry it when the cause is gone.',
    path: () => '/console/parked-work',
  },
} satisfies Record<string, NotificationDescription>;

export type NotificationKind = keyof typeof NOTIFICATION_CATALOGUE;
export const NOTIFICATION_KINDS = Object.keys(NOTIFICATION_CATALOGUE) as [
  NotificationKind,
  ...NotificationKind[],
];

export function describeNotification(kind: NotificationKind): NotificationDescription {
  return NOTIFICATION_CATALOGUE[kind];
}

/**
 * Errors that last until an admin acts. Only the tenant's setting turns off e-mails about them, so these
 * e-mails have no unsubscribe link.
 */
export function isRequired(kind: NotificationKind): boolean {
  const { audience, severity } = describeNotification(kind);
  return audience === 'admins' && severity === 'error';
}

/** The final outcome of a notification for one person. The outcome is decided once. */
export const NOTIFICATION_DECISIONS = [
  // The person viewed the notification before its e-mail was due.
  'viewed',
  'emailed',
  // The overview that the notification links to was no longer valid.
  'snapshot_invalid',
  // The tenant's or the person's setting turns the e-mail off.
  'email_off',
  'person_disabled',
  // A mail server reported that the address does not exist.
  'address_refused',
  // The person already had the result, or the notification's cause was gone.
  'not_needed',
] as const;
export type NotificationDecision = (typeof NOTIFICATION_DECISIONS)[number];
