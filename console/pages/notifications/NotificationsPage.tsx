import { Button, Group, SegmentedControl, Stack } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { CheckCheck } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { notificationsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Empty, Read } from '../../common/States';
import { useAction } from '../../common/use-action';
import { NotificationEntry } from './NotificationEntry';

const route = getRouteApi('/shell/notifications');
const FILTERS = [
  { value: 'all', label: 'All' },
  { value: 'false', label: 'Unread' },
  { value: 'true', label: 'Viewed' },
];

export function NotificationsPage() {
  const search = route.useSearch();
  const notifications = useInfiniteQuery(notificationsQuery(search));
  const all = notifications.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <Page
      title="Notifications"
      subtitle={
        <>
          Results of what you started, and events that need an admin. Unviewed notifications are sent by
          e-mail after a delay;{' '}
          <RouterLink to="/settings" underline="always">
            settings
          </RouterLink>
          .
        </>
      }
      actions={
        <>
          <CopyAsCurl path="/notifications" query={search} />
          <MarkAllAsViewed notifications={all} />
        </>
      }
    >
      <Filter />
      <Read query={notifications}>
        {() => (
          <Stack component="ul" p={0} m={0} gap="xs" style={{ listStyle: 'none' }}>
            {all.length === 0 && <NoNotifications />}
            {all.map((notification) => (
              <NotificationEntry key={notification.id} notification={notification} />
            ))}
            {notifications.hasNextPage && (
              <li>
                <Button
                  fullWidth
                  variant="default"
                  loading={notifications.isFetchingNextPage}
                  onClick={() => void notifications.fetchNextPage()}
                >
                  Show more
                </Button>
              </li>
            )}
          </Stack>
        )}
      </Read>
    </Page>
  );
}

/** The one that appeared last comes first; of several, the newest. */
const byAppearance = (one: Schemas['Notification'], other: Schemas['Notification']): number =>
  Date.parse(other.appeared_at ?? '') - Date.parse(one.appeared_at ?? '') || (other.id > one.id ? 1 : -1);

/** Repeats the request, which marks a limited number, until it marks no more. Later ones stay unread. */
async function markUpTo(upTo: string): Promise<void> {
  for (let before = Infinity; ;) {
    const { unread } = await answerOf(api.POST('/v1/notifications/viewed', { body: { up_to: upTo } }));
    if (unread === 0 || unread >= before) return;
    before = unread;
  }
}

function MarkAllAsViewed({ notifications }: { notifications: readonly Schemas['Notification'][] }) {
  const [last] = notifications.toSorted(byAppearance);
  const isAnyUnread = notifications.some(({ viewed_at: at }) => at === null);
  const viewAll = useAction({
    run: markUpTo,
    done: 'All notifications are marked as viewed.',
    changes: ['notifications'],
  });
  return (
    <ActionButton
      variant="default"
      leftSection={<CheckCheck size={16} aria-hidden />}
      loading={viewAll.isPending}
      refusal={isAnyUnread ? undefined : 'There are no unread notifications.'}
      onClick={() => last && viewAll.mutate(last.id)}
    >
      Mark all as viewed
    </ActionButton>
  );
}

function Filter() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Group>
      <SegmentedControl
        aria-label="Filter"
        data={FILTERS}
        value={search.is_viewed ?? 'all'}
        onChange={(value) =>
          void navigate({ search: value === 'all' ? {} : { is_viewed: value as 'true' }, replace: true })
        }
      />
    </Group>
  );
}

function NoNotifications() {
  return (
    <li>
      <Empty title="No notifications">
        You are notified about work that takes longer than a minute, and about problems that need attention.
      </Empty>
    </li>
  );
}
