/** The time of one execution of a push queue. */
import type { PushDueRecordsInput } from '../../contract/record-push';
import { PRIORITIES } from '../../domain/work-priorities';
import type { ActivityDependencies } from '../dependencies';
import { TimeBox } from '../time-box';

/** What a person asked for is pushed first. After this time the slot is free for other people who wait. */
const FOR_PERSON_MS = 5_000;

export function pushTimeBox(
  { pushing, isStopping }: Pick<ActivityDependencies, 'pushing' | 'isStopping'>,
  { firedAt, priorityKey = PRIORITIES.edit }: PushDueRecordsInput,
): TimeBox {
  const isForPerson = priorityKey <= PRIORITIES.signIn;
  return new TimeBox({
    firedAt,
    timeBoxMs: isForPerson ? Math.min(FOR_PERSON_MS, pushing.timeBoxMs) : pushing.timeBoxMs,
    isStopping,
    isDatabaseClock: true,
  });
}
