import { Alert, List } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';
import { stoppedRolloutsQuery } from '../api/platform-queries';
import { plural } from '../common/formatting';
import { RouterLink } from '../common/RouterLink';
import { Instant } from '../common/Time';
import { useIsInUse } from '../session/use-is-in-use';

const READ_AGAIN_MS = 30_000;

/** Above each page of operators: the rollouts that stopped by themselves and wait for a person. */
export function StoppedRollouts() {
  const isInUse = useIsInUse();
  const { data: stopped = [] } = useQuery({
    ...stoppedRolloutsQuery,
    refetchInterval: isInUse && READ_AGAIN_MS,
  });
  if (stopped.length === 0) return null;
  return (
    <Alert
      radius={0}
      variant="light"
      color="red"
      role="status"
      icon={<TriangleAlert aria-hidden />}
      title={`${plural(stopped.length, 'rollout')} stopped: integrations failed after their change`}
      styles={{ message: { color: 'var(--mantine-color-text)' } }}
    >
      <List size="sm">
        {stopped.map(({ id, definition_key: definitionKey, version, stopped_at: at }) => (
          <List.Item key={id}>
            <RouterLink
              to="/platform/definitions/$definitionKey/rollouts/$rolloutId"
              params={{ definitionKey, rolloutId: id }}
            >
              {definitionKey}, version {version}
            </RouterLink>{' '}
            (<Instant at={at} relative />)
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}
