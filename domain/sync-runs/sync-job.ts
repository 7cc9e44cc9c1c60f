/** The jobs of a sync run: one for the metadata, and one per record type and direction. */
import { directionOfJob, pushJobOf, verifyJobOf } from '../overviews/overview';

export type SyncJobRef = { kind: 'metadata' } | { kind: 'pull' | 'push' | 'verify'; recordType: string };

/**
 * The name under which the database stores a job: '' is the metadata job, `push:contacts` pushes contacts,
 * `verify:contacts` compares what was pushed.
 */
export function syncJobName(job: SyncJobRef): string {
  if (job.kind === 'metadata') return '';
  if (job.kind === 'verify') return verifyJobOf(job.recordType);
  return job.kind === 'push' ? pushJobOf(job.recordType) : job.recordType;
}

/** A range of its list, as work that is under way: `contacts #2`. */
export const rangeName = (jobName: string, range: number): string => `${jobName} #${range + 1}`;

/** The job of a name that may be that of a range. */
export const jobOfRange = (name: string): string => name.replace(/ #\d+$/, '');

export function parseSyncJobName(name: string): SyncJobRef {
  if (name === '') return { kind: 'metadata' };
  const { recordType, direction } = directionOfJob(name);
  return { kind: direction, recordType };
}
