import type { Schemas } from '../../api/client';

/** Why an integration is not simply well, in a sentence; undefined if it is. */
export function troubleOf({
  state,
  app,
  blocked_reason: reason,
  blocked_detail: detail,
  last_check: check,
  onboarding,
}: Schemas['Integration']): string | undefined {
  if (state === 'needs_reauthorization')
    return `${app} refuses the credentials. Give new ones, and what waits goes on.`;
  if (state === 'blocked')
    return `${reason === 'rate_limit' ? `${app} asks for fewer requests.` : `${app} cannot be reached.`} ${detail ?? ''} It goes on by itself.`;
  if (state === 'paused') return 'Changes wait and nothing is read until it is resumed.';
  if (onboarding.state === 'failed') return onboarding.message ?? 'None of its data could be read.';
  if (check?.ok === false) return `The last check failed: ${check.message}`;
  return undefined;
}

export const DIRECTIONS: Record<string, string> = {
  push: 'pushed there',
  pull: 'read from there',
  both: 'kept the same on both sides',
};
