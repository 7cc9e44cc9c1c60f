import { Progress, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';
import { deletionReviewQuery } from '../../api/queries';
import { plural, toNumber } from '../../common/formatting';
import { useBackgroundTasks } from '../integrations/BackgroundTasks';

const POLL_INTERVAL_MS = 2_000;

/** How far the deletions of an approved review are (rules.md 60). */
export function DecisionProgress({ review }: { review: Schemas['DeletionReview'] }) {
  const { id, integration_id: integrationId, state, kind } = review;
  const tasks = useBackgroundTasks(integrationId);
  const isInProgress = state === 'approved' && tasks.some((task) => task.kind === 'decide_deletion_review');
  useQuery({ ...deletionReviewQuery(id), refetchInterval: isInProgress && POLL_INTERVAL_MS });
  if (!isInProgress) return null;
  const { records_deleted: done, records_missing: all } = review;
  return (
    <Stack gap="xs">
      <Progress value={all === 0 ? 100 : (100 * (done ?? 0)) / all} animated aria-label="Progress" />
      <Text size="sm" role="status">
        {toNumber(done ?? 0)} of {plural(all, 'record')} {kind === 'delete' ? 'deleted' : 'emptied'} so far.
        You can leave this page; the work continues.
      </Text>
    </Stack>
  );
}
