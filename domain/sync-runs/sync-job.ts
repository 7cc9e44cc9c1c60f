/** The jobs of a sync run: one for the metadata, and one per record type and direction. */
import { directionOfJob, pushJobOf } from '../overviews/overview';

export type SyncJobRef = { kind: 'metadata' } | { kind: 'pull' | 'push'; recordType: string };

/**
 * The name under which the database stores a job: '' is the metadata job, `push:contacts` pushes contacts.
 */
export function syncJobName(job: SyncJobRef): string {
  if (job.kind === 'metadata') return '';
  return job.kind === 'push' ? pushJobOf(job.recordType) : job.recordType;
}

export function parseSyncJobName(name: string): SyncJobRef {
  if (name === '') return { kind: 'metadata' };
  const { recordType, direction } = directionOfJob(name);
  return { kind: direction, recordType };
}
