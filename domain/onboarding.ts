/**
 * The onboarding lock (rules.md 33): until the first data of a linked integration has been imported, the
 * records that it pulls cannot be changed. A paused integration locks nothing.
 */
import type { RecordTypeMappings } from './records/mapping';
import { pullsType } from './records/mapping-directions';

export interface OnboardingLockFacts {
  recordTypes: RecordTypeMappings;
  onboardingStartedAt: Date | null;
  onboardedAt: Date | null;
  pausedAt: Date | null;
}

export function isOnboarding({ onboardingStartedAt, onboardedAt, pausedAt }: OnboardingLockFacts): boolean {
  return onboardingStartedAt !== null && onboardedAt === null && pausedAt === null;
}

/** True if changes to records of this type are refused because of this integration. */
export function isLocked(integration: OnboardingLockFacts, recordType: string): boolean {
  return isOnboarding(integration) && pullsType(integration.recordTypes[recordType]);
}
