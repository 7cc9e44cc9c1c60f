/** Options that workflows have in common when an outbox message starts them. */
import { TypedSearchAttributes } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from './search-attributes';
import { TASK_QUEUES } from './task-queues';
import { typeIdOf } from '../domain/typeid';

/** Of a workflow that reads its row: the signal carries nothing. */
export const started = <Input>(input: Input) => ({
  taskQueue: TASK_QUEUES.workflows,
  args: [input] as [Input],
  signalArgs: [] as [],
});

export const unlessRunning = <Input>(input: Input) => ({
  taskQueue: TASK_QUEUES.workflows,
  args: [input] as [Input],
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
});

/** Search attributes with the ids as the API shows them. */
export function searchable(ids: { tenantId?: string; integrationId?: string; endpointId?: string }): {
  typedSearchAttributes: TypedSearchAttributes;
} {
  const pair = (key: (typeof SEARCH_ATTRIBUTES)['tenantId'], prefix: string, id: string | undefined) =>
    id === undefined ? [] : [{ key, value: typeIdOf(prefix, id) }];
  const pairs = [
    ...pair(SEARCH_ATTRIBUTES.tenantId, 'ten', ids.tenantId),
    ...pair(SEARCH_ATTRIBUTES.integrationId, 'int', ids.integrationId),
    ...pair(SEARCH_ATTRIBUTES.endpointId, 'whe', ids.endpointId),
  ];
  return { typedSearchAttributes: new TypedSearchAttributes(pairs) };
}
