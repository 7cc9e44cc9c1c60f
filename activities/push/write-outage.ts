/**
 * What a push queue does about an outage: notices that only pushes fail, keeps the status of waiting pushes
 * true in bounded chunks, and retries what was given up (rules.md 8, 11, 58).
 */
import type { Integration } from '../../db/integrations/integrations';
import {
  giveUpWaiting,
  retryGivenUp,
  showAsFailing,
  unreachableError,
} from '../../db/integrations/outage-pushes';
import { countUnavailable, postponeGivenUpProbe } from '../../db/integrations/write-outages';
import type { TenantWork } from '../../db/database';
import type { FinishedPush } from '../../db/push/push-outcome';
import { isUnreachableLongEnoughToFail, type OutageLimits } from '../../domain/retry';
import type { SyncError } from '../../domain/sync-error';
import type { BatchResult } from './push-batch';
import type { OpenConnector } from '../dependencies';
import { askThirdParty } from '../integrations/third-party-health';

const CHUNK = 1_000;

const isUnanswered = ({ outcome }: FinishedPush): boolean =>
  outcome.kind === 'retry' &&
  outcome.answer === undefined &&
  outcome.errors.some(({ category }) => category === 'transient');

/**
 * Counts the records of a batch that got no answer, while the `check` succeeds. If they are an outage, or the
 * third party is known to be down, the push uses up no attempt of its own; but one that also failed before
 * the last success does, because the third party is up for others.
 */
export async function noticeWriteOutage(
  inTenant: <T>(work: (work: TenantWork) => Promise<T>) => Promise<T>,
  { concluded, trouble, hasSucceeded, sinceSuccess }: BatchResult,
  { integrationId }: Pick<Integration, 'integrationId'>,
): Promise<Pick<BatchResult, 'concluded' | 'trouble'>> {
  const unanswered = concluded.filter(
    (finished) => sinceSuccess.has(finished.push.pushId) && isUnanswered(finished),
  );
  const last = unanswered.at(-1)?.outcome;
  if (last?.kind !== 'retry') return { concluded, trouble };
  const recordIds = unanswered.map(({ push }) => push.recordId);
  const isOutage =
    trouble.kind === 'outage' ||
    (trouble.kind === 'well' &&
      (await inTenant((work) =>
        countUnavailable(work, { integrationId, recordIds, isFirst: hasSucceeded }),
      )));
  if (!isOutage) return { concluded, trouble };
  const detail = last.errors[0]?.message ?? 'No answer.';
  return {
    concluded: concluded.map((one) =>
      trouble.kind === 'well' && one.push.refusals > 0 ? one : waitForEndOfOutage(one),
    ),
    trouble: trouble.kind === 'outage' ? trouble : { kind: 'outage', isWrite: true, detail },
  };
}

function waitForEndOfOutage(finished: FinishedPush): FinishedPush {
  const { push, outcome } = finished;
  if (outcome.kind !== 'retry' || !isUnanswered(finished)) return finished;
  const { errors, isFailing } = outcome;
  return { push, outcome: { kind: 'waiting', wasCalled: true, errors, isFailing, goesAlone: true } };
}

export interface OutageInstant {
  now: Date;
  outage: OutageLimits;
}

/** The error that waiting pushes show; null = the outage is too young for that, or another reason counts. */
export function errorOfOutage(
  { outageSince, blockedReason, blockedDetail }: Integration,
  { now, outage }: OutageInstant,
): SyncError | null {
  const isOutage = blockedReason === 'outage' && outageSince !== null;
  return isOutage && isUnreachableLongEnoughToFail(outageSince, now, outage)
    ? unreachableError(blockedDetail ?? 'No answer.', outage)
    : null;
}

/** @returns true if more waiting pushes have to change their status. */
export async function showOutage(
  work: TenantWork,
  integration: Integration,
  { now, outage }: OutageInstant,
): Promise<boolean> {
  const error = errorOfOutage(integration, { now, outage });
  if (error === null) return false;
  const { integrationId, retryClockStoppedMs } = integration;
  const chunk = { integrationId, limit: CHUNK, error };
  if ((await showAsFailing(work, chunk)) === CHUNK) return true;
  return (await giveUpWaiting(work, { ...chunk, now, retryClockStoppedMs })) === CHUNK;
}

/**
 * After a push that succeeded, what was given up in an outage is due, in chunks. Without one, a successful
 * `check` lets one of these pushes try each hour. @returns true if something is due now.
 */
export async function continueGivenUp(
  inTenant: <T>(work: (work: TenantWork) => Promise<T>) => Promise<T>,
  { integrationId, givenUpProbeAt }: Integration,
  { now, hasPushed, open }: { now: Date; hasPushed: boolean; open(): Promise<OpenConnector> },
): Promise<boolean> {
  if (givenUpProbeAt === null || (!hasPushed && givenUpProbeAt > now)) return false;
  if (!hasPushed) {
    await inTenant((work) => postponeGivenUpProbe(work, { integrationId, now }));
    if ((await askThirdParty(open)).kind !== 'well') return false;
  }
  const limit = hasPushed ? CHUNK : 1;
  for (;;) {
    const { due, isMore } = await inTenant((work) => retryGivenUp(work, { integrationId, limit, now }));
    if (due > 0 || !isMore) return due > 0;
  }
}
