/** What a push queue has asked Temporal for. */
import { defaultPayloadConverter } from '@temporalio/common';
import { type PushDueRecordsInput, recordPushWorkflowId } from '../../../contract/record-push';
import type { PushEnvironment } from './push-environment';

/** The priorities of the executions, in their order, as the executions know them. */
export async function prioritiesIn(
  { env }: PushEnvironment,
  integrationId: string,
): Promise<(number | undefined)[]> {
  const { events } = await env.client.workflow
    .getHandle(recordPushWorkflowId({ integrationId }))
    .fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
    const [payload] = scheduled?.input?.payloads ?? [];
    if (payload == null) return [];
    return [defaultPayloadConverter.fromPayload<PushDueRecordsInput>(payload).priorityKey];
  });
}
