import { ActionIcon, Indicator, Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Bell as BellIcon } from 'lucide-react';
import { notificationsQuery } from '../api/queries';

/** How many notifications are open, and the way to them. */
export function Bell() {
  const { data } = useInfiniteQuery(notificationsQuery({ is_open: 'true' }));
  const open = data?.pages[0]?.data.length ?? 0;
  const label = open === 0 ? 'Notifications' : `Notifications, ${open} open`;
  return (
    <Tooltip label={label}>
      <Indicator label={open} size={16} disabled={open === 0} color="red" offset={4} aria-hidden={false}>
        <ActionIcon
          variant="subtle"
          color="gray"
          c="var(--mantine-color-text)"
          size="lg"
          renderRoot={(props) => <Link to="/notifications" {...props} />}
          aria-label={label}
        >
          <BellIcon size={18} aria-hidden />
        </ActionIcon>
      </Indicator>
    </Tooltip>
  );
}
