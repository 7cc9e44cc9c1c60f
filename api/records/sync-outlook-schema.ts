/** What lies ahead of a pair, and what of its integration stands in the way: the same in every view of a pair. */
import { z } from 'zod';
import type { Integration } from '../../db/integrations/integrations';
import type { RecordSyncSummary } from '../../db/records/records';
import { instant, toInstantOrNull } from '../routing/common-schemas';

export const syncProspects = {
  is_paused: z.boolean().meta({
    description:
      'The integration is paused: nothing goes out, and the status stays as it was, until it is resumed.',
  }),
  needs_reauthorization: z.boolean().meta({
    description: 'The third party refused the credentials: nothing goes out until there are new ones.',
  }),
  blocked_until: instant.nullable().meta({
    description:
      'Nothing goes out to the third party before: it is down, or asked us to wait. null = it is not blocked.',
  }),
  blocked_reason: z.enum(['outage', 'rate_limit']).nullable(),
  due_at: instant.nullable().meta({
    description:
      'When the open window ends, if nothing changes until then; null = no window is open. Does not count while the pair is held or the integration is paused.',
  }),
  held_at: instant.nullable().meta({
    description:
      'Since when somebody holds the pair: it is not pushed, whatever changes, until it is released or pushed now. null = it is not held.',
  }),
  held_by: z.string().nullable(),
  next_attempt_at: instant.nullable().meta({
    description:
      'When a push that did not succeed is tried again by itself, the time until which the integration is blocked included. null = nothing is to be repeated, a newer change waits (see due_at), or it is not known: the integration is paused or needs new credentials.',
  }),
};
const prospects = z.object(syncProspects);

type Pair = Pick<RecordSyncSummary, 'dueAt' | 'heldAt' | 'heldBy' | 'nextAttemptAt'>;
type Obstacles = Pick<Integration, 'pausedAt' | 'needsReauthorizationAt' | 'blockedUntil' | 'blockedReason'>;

export function toWireProspects(
  recordSync: Pair | undefined,
  integration: Obstacles,
): z.output<typeof prospects> {
  return {
    is_paused: integration.pausedAt !== null,
    needs_reauthorization: integration.needsReauthorizationAt !== null,
    blocked_until: toInstantOrNull(integration.blockedUntil),
    blocked_reason: integration.blockedReason,
    due_at: toInstantOrNull(recordSync?.dueAt ?? null),
    held_at: toInstantOrNull(recordSync?.heldAt ?? null),
    held_by: recordSync?.heldBy ?? null,
    next_attempt_at: toInstantOrNull(
      recordSync === undefined ? null : nextAttemptAt(recordSync, integration),
    ),
  };
}

/** The pair's own time, but not before the integration is no longer blocked. A window that is open decides alone. */
function nextAttemptAt(
  { dueAt, nextAttemptAt: ownAt }: Pair,
  { pausedAt, needsReauthorizationAt, blockedUntil }: Obstacles,
): Date | null {
  if (ownAt === null || dueAt !== null || pausedAt !== null || needsReauthorizationAt !== null) return null;
  return blockedUntil !== null && blockedUntil > ownAt ? blockedUntil : ownAt;
}
