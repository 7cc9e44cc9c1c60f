import type { Generated } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { EventType } from '../../domain/event-catalogue';
import type { Json } from './json-column';

export interface EventSequencesTable {
  tenantId: string;
  lastSequence: number;
}

export interface EventsTable {
  tenantId: string;
  eventId: string;
  sequence: number;
  type: EventType;
  integrationId: string | null;
  /** The body that receivers get. */
  payload: Json<JsonObject>;
  createdAt: Date;
}

/** An encrypted signing secret; all but the first expire at `expiresAt` (RFC 3339). */
export interface EncryptedSecret {
  encrypted: string;
  expiresAt: string | null;
}

export interface WebhookEndpointsTable {
  /** `PLATFORM_TENANT_ID` for an endpoint of the platform. */
  tenantId: string;
  webhookEndpointId: string;
  url: string;
  description: string;
  eventTypes: EventType[] | null;
  integrationIds: string[] | null;
  ratePerSecond: number | null;
  secrets: Json<EncryptedSecret[]>;
  /** Encrypted: the receiver's own headers as JSON; null = none. */
  headers: Generated<string | null>;
  headerNames: Generated<string[]>;
  disabledAt: Date | null;
  disabledReason: 'manual' | 'gone' | 'failing' | null;
  failingSince: Date | null;
  failedAttempts: Generated<number>;
  failedMessages: Generated<number>;
  warnedAt: Date | null;
  blockedUntil: Date | null;
  version: Generated<number>;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
}

export type DeliveryState = 'pending' | 'retrying' | 'delivered' | 'failed' | 'disabled';

export interface WebhookDeliveriesTable {
  tenantId: string;
  webhookDeliveryId: string;
  webhookEndpointId: string;
  eventId: string;
  state: DeliveryState;
  trigger: 'event' | 'resend' | 'recover' | 'test';
  attempts: Generated<number>;
  nextAttemptAt: Date | null;
  claimId: string | null;
  leaseUntil: Date | null;
  lastStatus: number | null;
  lastError: string | null;
  createdAt: Date;
  finishedAt: Date | null;
  /** When a recovery sent the event of a failed delivery again, or found another delivery of the event. */
  supersededAt: Date | null;
}

export interface WebhookAttemptsTable {
  tenantId: string;
  webhookDeliveryId: string;
  attempt: number;
  at: Date;
  durationMs: number;
  status: number | null;
  error: string | null;
  requestHeaders: Json<Record<string, string>>;
  responseHeaders: Json<Record<string, string> | null> | null;
  responseBody: string | null;
}
