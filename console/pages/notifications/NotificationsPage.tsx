import { Group, Paper, SegmentedControl, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { CircleCheck, KeyRound, Scale, Trash2, TriangleAlert, Unplug, type LucideIcon } from 'lucide-react';
import { Button } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { notificationsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { Empty, Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { RouterLink } from '../../common/RouterLink';

type Notification = Schemas['Notification'];
const route = getRouteApi('/shell/notifications');
const KINDS: Record<string, { title: string; icon: LucideIcon; to: '/integrations/$integrationId' | '/deletion-reviews' | '/sync-status'; action: string }> = {
  integration_needs_reauthorization: {
    title: 'An integration needs re-authorization',
    icon: KeyRound,
    to: '/integrations/$integrationId',
    action: 'Re-authorize',
  },
  integration_unavailable: { title: 'An app cannot be reached', icon: Unplug, to: '/integrations/$integrationId', action: 'To the integration' },
  onboarding_complete: { title: 'Data onboarding is completed', icon: CircleCheck, to: '/integrations/$integrationId', action: 'To the integration' },
  onboarding_failed: { title: 'Data onboarding failed', icon: TriangleAlert, to: '/integrations/$integrationId', action: 'To the integration' },
  deletions_need_review: { title: 'Deletions wait for a decision', icon: Trash2, to: '/deletion-reviews', action: 'Look and decide' },
  difference_remains: { title: 'A difference remains', icon: Scale, to: '/sync-status', action: 'To Sync Status' },
};

export function NotificationsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const notifications = useInfiniteQuery(notificationsQuery(search));
  return (
    <Page title="Notifications" actions={<CopyAsCurl path="/notifications" query={search} />}>
      <Group>
        <SegmentedControl
          aria-label="Which notifications"
          data={[
            { value: 'all', label: 'All' },
            { value: 'true', label: 'Open' },
            { value: 'false', label: 'Settled' },
          ]}
          value={search.is_open ?? 'all'}
          onChange={(value) => void navigate({ search: value === 'all' ? {} : { is_open: value as 'true' }, replace: true })}
        />
      </Group>
      <Read query={notifications}>
        {({ pages }) => {
          const all = pages.flatMap((page) => page.data);
          return all.length === 0 ? (
            <Empty title="Nothing to see">What needs your attention comes here, and by e-mail.</Empty>
          ) : (
            <Stack component="ul" p={0} m={0} gap="xs" style={{ listStyle: 'none' }}>
              {all.map((notification) => (
                <Entry key={notification.id} notification={notification} />
              ))}
              {notifications.hasNextPage && (
                <Button variant="default" loading={notifications.isFetchingNextPage} onClick={() => void notifications.fetchNextPage()}>
                  Show more
                </Button>
              )}
            </Stack>
          );
        }}
      </Read>
    </Page>
  );
}

function Entry({ notification }: { notification: Notification }) {
  const { nameOf } = useIntegrationNames();
  const kind = KINDS[notification.kind];
  const Icon = kind?.icon ?? TriangleAlert;
  return (
    <Paper withBorder p="md" component="li">
      <Group wrap="nowrap" align="flex-start">
        <Icon size={20} aria-hidden style={{ flexShrink: 0 }} />
        <Stack gap={4} flex={1}>
          <Group justify="space-between" gap="xs">
            <Text fw={600}>{kind?.title ?? notification.kind}</Text>
            <Text size="sm" c="dimmed" component="div">
              <Instant at={notification.created_at} relative />
            </Text>
          </Group>
          <Text size="sm">{notification.detail}</Text>
          <Group gap="md">
            {kind !== undefined && (
              <RouterLink size="sm" to={kind.to} params={{ integrationId: notification.integration_id }}>
                {kind.action}
              </RouterLink>
            )}
            <Text size="xs" c="dimmed" component="div">
              {nameOf(notification.integration_id)}
              {notification.resolved_at !== null && (
                <>
                  {' '}
                  · settled <Instant at={notification.resolved_at} relative />
                </>
              )}
            </Text>
          </Group>
        </Stack>
      </Group>
    </Paper>
  );
}
