/** What a person may decide about a rollout, and when. The workflow reads the decision from the row. */
import type { RolloutState } from '../../domain/third-parties/rollout';
import type { TenantWork } from '../database';
import { findDefinition, setCurrentVersion } from './definitions';
import {
  decideRollout,
  findOpenRollout,
  findPublishedAgain,
  findRollout,
  lockRollout,
  type Rollout,
  type RolloutChange,
} from './rollouts';

export type RolloutDecision = 'approve' | 'pause' | 'resume' | 'cancel' | 'retry' | 'roll-back';

export type DecidedRollout =
  | { outcome: 'decided'; rollout: Rollout; before: RolloutState }
  | { outcome: 'not_found' }
  | { outcome: 'not_possible'; state: RolloutState; isPaused: boolean }
  | { outcome: 'other_in_progress'; rolloutId: string }
  /** Another rollout has published the version since: it is the one to roll back. */
  | { outcome: 'published_again'; rolloutId: string };

interface Decision {
  rolloutId: string;
  definitionKey: string;
  decision: RolloutDecision;
  by: string;
  /** Integrations that fail since they changed. */
  failed: number;
}

export async function decide(work: TenantWork, input: Decision): Promise<DecidedRollout> {
  const { rolloutId, definitionKey, decision } = input;
  await lockRollout(work, { rolloutId, mode: 'alone' });
  // The order of every other writer: the rollout, then the definition.
  const rollout = await findRollout(work, { rolloutId, forUpdate: true });
  if (rollout?.definitionKey !== definitionKey) return { outcome: 'not_found' };
  const change = CHANGES[decision](rollout, { ...input, now: work.now });
  if (change === undefined)
    return { outcome: 'not_possible', state: rollout.state, isPaused: rollout.pausedAt !== null };
  if (rollout.finishedAt !== null) {
    const head = await findDefinition(work, { key: definitionKey, forUpdate: true });
    const open = await findOpenRollout(work, { key: definitionKey });
    if (open !== undefined) return { outcome: 'other_in_progress', rolloutId: open.rolloutId };
    // A later version is in use: integrations must not go back to this one.
    if (decision === 'retry' && head?.currentVersion !== rollout.version)
      return { outcome: 'not_possible', state: rollout.state, isPaused: false };
  }
  if (decision === 'roll-back' && !rollout.isAdoption) {
    const again = await findPublishedAgain(work, rollout);
    if (again !== undefined) return { outcome: 'published_again', rolloutId: again.rolloutId };
    await useFormerVersion(work, rollout);
  }
  return {
    outcome: 'decided',
    rollout: await decideRollout(work, { rolloutId, change }),
    before: rollout.state,
  };
}

async function useFormerVersion(
  work: TenantWork,
  { definitionKey: key, version, formerVersion }: Rollout,
): Promise<void> {
  const head = await findDefinition(work, { key, forUpdate: true });
  if (head?.currentVersion === version && formerVersion !== null)
    await setCurrentVersion(work, { key, version: formerVersion });
}

type Change = (rollout: Rollout, decision: Decision & { now: Date }) => RolloutChange | undefined;

const isOneOf = ({ state }: Rollout, ...states: RolloutState[]): boolean => states.includes(state);
/** What a rollout that was under way has left. */
const AT_ONCE = { pausedAt: null, pausedBecause: null, nextCheckAt: null, checkBeganAt: null } as const;

/** undefined = not possible in the state of the rollout. */
const CHANGES: Record<RolloutDecision, Change> = {
  approve: (rollout, { by, now }) =>
    isOneOf(rollout, 'planned') ? { state: 'running', approvedBy: by, approvedAt: now } : undefined,
  pause: (rollout, { now }) =>
    isOneOf(rollout, 'planning', 'running') && rollout.pausedAt === null
      ? { pausedAt: now, pausedBecause: 'requested' }
      : undefined,
  resume: (rollout, { failed }) =>
    rollout.pausedAt === null
      ? undefined
      : {
          pausedAt: null,
          pausedBecause: null,
          ...(rollout.pausedBecause === 'failures' ? { acceptedFailures: failed } : {}),
        },
  cancel: (rollout, { now }) =>
    isOneOf(rollout, 'planning', 'planned', 'running')
      ? { ...AT_ONCE, state: 'canceled', finishedAt: now }
      : undefined,
  retry: (rollout, { now }) => {
    if (rollout.pausedAt !== null) return undefined;
    if (isOneOf(rollout, 'planned', 'running')) return { retryAt: now };
    // As the step of all others, which is observed.
    return isOneOf(rollout, 'completed')
      ? { retryAt: now, state: 'running', step: rollout.steps.length, stepEndsAt: null, finishedAt: null }
      : undefined;
  },
  'roll-back': (rollout) =>
    isOneOf(rollout, 'running', 'completed', 'canceled')
      ? { ...AT_ONCE, state: 'rolling_back', stepEndsAt: null, finishedAt: null }
      : undefined,
};
