import type { Generated } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { NotificationDecision, NotificationKind } from '../../domain/notifications/notification-kinds';
import type { OperationKind } from '../../domain/overviews/overview';
import type { Json } from './json-column';

export interface NotificationsTable {
  tenantId: string;
  notificationId: string;
  kind: NotificationKind;
  integrationId: string | null;
  overviewId: string | null;
  syncRunId: string | null;
  webhookEndpointId: string | null;
  detail: string;
  createdAt: Date;
  resolvedAt: Date | null;
}

/** How a person viewed a notification (rules.md 25). */
export type ViewedHow = 'seen' | 'opened' | 'target_opened' | 'marked';

export interface NotificationRecipientsTable {
  tenantId: string;
  notificationRecipientId: string;
  notificationId: string;
  personId: string;
  operationId: string | null;
  visibleAt: Date;
  revealedAt: Date | null;
  emailAt: Date | null;
  viewedAt: Date | null;
  viewedHow: ViewedHow | null;
  decision: NotificationDecision | null;
  decisionReason: string | null;
  decidedAt: Date | null;
  emailId: string | null;
  emailWithdrawnReason: EmailWithdrawal | null;
}

export interface NotificationSettingsTable {
  tenantId: string;
  isEmailOn: Generated<boolean>;
  emailDelaySeconds: Generated<number>;
  version: Generated<number>;
  updatedAt: Date;
}

export interface UndeliverableAddressesTable {
  tenantId: string;
  personId: string;
  email: string;
  detail: string;
  refusedAt: Date;
  firstRefusedAt: Date | null;
  confirmedAt: Date | null;
}

/** Why an e-mail was not sent after all. */
export type EmailWithdrawal = Exclude<NotificationDecision, 'emailed'> | 'digest';

export interface EmailsTable {
  tenantId: string;
  emailId: string;
  kind: string;
  recipient: string;
  content: Json<JsonObject>;
  attempts: Generated<number>;
  lastError: string | null;
  createdAt: Date;
  sentAt: Date | null;
  failedAt: Date | null;
  personId: string | null;
  attemptedAt: Date | null;
  withdrawnAt: Date | null;
  withdrawnReason: EmailWithdrawal | null;
}

export interface OperationsTable {
  tenantId: string;
  operationId: string;
  kind: OperationKind;
  integrationId: string;
  overviewId: string | null;
  syncRunId: string | null;
  requestedBy: string;
  personId: string | null;
  requestedAt: Date;
  endedAt: Date | null;
  answeredAt: Date | null;
}
