import type { Schemas } from '../../api/client';

/** Why an integration is not healthy, in a sentence; undefined if it is. */
export function troubleOf({
  state,
  app,
  blocked_reason: reason,
  blocked_detail: detail,
  last_check: check,
  onboarding,
  unverified_types: unverified,
}: Schemas['Integration']): string | undefined {
  if (state === 'needs_reauthorization')
    return `${app} rejects the credentials. Re-authorize it to continue the sync.`;
  if (state === 'blocked') {
    const cause =
      reason === 'rate_limit' ? `${app} limits the number of requests.` : `${app} cannot be reached.`;
    return [cause, detail, 'The sync continues automatically.'].filter(Boolean).join(' ');
  }
  if (state === 'paused') return `${app} is paused: nothing is pushed or imported. Resume it to continue.`;
  if (onboarding.state === 'failed') return onboarding.message ?? `No data of ${app} could be read.`;
  if (check?.ok === false) return `The last connection check failed: ${check.message}`;
  if (Object.keys(unverified).length > 0)
    return `The database of Syncline was restored from a backup. Synced is not verified until a full run has compared the records with ${app}.`;
  return undefined;
}

export const DIRECTIONS: Record<string, string> = {
  push: 'pushed to the app',
  pull: 'imported from the app',
  both: 'synced in both directions',
};

/** Whether any record type is imported from the app. */
export const isImporting = ({ record_types: types }: Schemas['Integration']): boolean =>
  Object.values(types).some(({ direction }) => direction === 'pull' || direction === 'both');
