/**
 * What an outbox row asks Temporal to do: a topic and the id that the topic needs, kept as topic and
 * subject_id.
 */
import type { OutboxTopic } from '../tables/platform';

export type OutboxMessage =
  /** The integration's push queue re-reads its due records. */
  | { topic: 'record_push'; integrationId: string }
  /** The integration's sync runs start, continue or end. */
  | { topic: 'sync_run'; integrationId: string }
  /** The integration's Temporal Schedules are brought in line with its row. */
  | { topic: 'sync_schedule'; integrationId: string }
  /** An e-mail is sent. */
  | { topic: 'email'; emailId: string }
  /** The endpoint's queue re-reads its due deliveries. */
  | { topic: 'webhook_endpoint'; endpointId: string }
  /** An overview is built, canceled or expires. */
  | { topic: 'overview'; overviewId: string }
  /** One person's notification starts. */
  | { topic: 'notification'; notificationRecipientId: string }
  /** One person has viewed a notification. */
  | { topic: 'notification_viewed'; notificationRecipientId: string };

/** A message with the tenant it belongs to and the instant at which it is due. */
export type DueMessage = OutboxMessage & { tenantId: string; nextDueAt: Date };

/** The message of one topic. */
export type MessageOf<T extends OutboxTopic> = DueMessage & { topic: T };

/** The column subject_id: the id that the message's topic needs. */
export function subjectIdOf(message: OutboxMessage): string {
  switch (message.topic) {
    case 'record_push':
    case 'sync_run':
    case 'sync_schedule':
      return message.integrationId;
    case 'email':
      return message.emailId;
    case 'webhook_endpoint':
      return message.endpointId;
    case 'overview':
      return message.overviewId;
    case 'notification':
    case 'notification_viewed':
      return message.notificationRecipientId;
  }
}

export function messageOf(topic: OutboxTopic, subjectId: string): OutboxMessage {
  switch (topic) {
    case 'record_push':
    case 'sync_run':
    case 'sync_schedule':
      return { topic, integrationId: subjectId };
    case 'email':
      return { topic, emailId: subjectId };
    case 'webhook_endpoint':
      return { topic, endpointId: subjectId };
    case 'overview':
      return { topic, overviewId: subjectId };
    case 'notification':
    case 'notification_viewed':
      return { topic, notificationRecipientId: subjectId };
  }
}
