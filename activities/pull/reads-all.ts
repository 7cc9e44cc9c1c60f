/** Whether a job reads every record, and not only what has changed. */
import type { ReadAbilities } from '../../connectors/connector';
import type { SyncJob } from '../../db/pull/job-rows';

export function readsAll(
  { modifiedSince, syncToken }: Pick<SyncJob, 'modifiedSince' | 'syncToken'>,
  { canFilterByModified, followsSyncToken = false }: ReadAbilities,
): boolean {
  return followsSyncToken ? syncToken === null : modifiedSince === null || !canFilterByModified;
}
