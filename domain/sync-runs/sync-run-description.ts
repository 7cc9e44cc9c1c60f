/** A sync run as text for operators in Temporal's UI. */
import type { SyncJobRef } from './sync-job';

export function describeJob(job: SyncJobRef): string {
  if (job.kind === 'metadata') return 'metadata';
  return job.kind === 'pull' ? job.recordType : `${job.kind} ${job.recordType}`;
}

export function describeSyncRun(kind: string, jobs: Iterable<{ job: SyncJobRef; state: string }>): string {
  const lines = Array.from(jobs, ({ job, state }) => `- ${describeJob(job)}: ${state}`);
  return [`**${kind}** sync run`, ...lines].join('\n').slice(0, 10_000);
}
