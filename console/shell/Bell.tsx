import { ActionIcon, Indicator, VisuallyHidden } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Bell as BellIcon } from 'lucide-react';
import { unreadQuery } from '../api/queries';
import { plural } from '../common/formatting';

/** The number of unread notifications, and the link to them. Seeing the number is not a view. */
export function Bell() {
  const { data: unread = 0 } = useQuery(unreadQuery);
  const shown = unread > 99 ? '99+' : String(unread);
  return (
    <>
      <VisuallyHidden aria-live="polite">
        {unread === 0 ? '' : plural(unread, 'unread notification')}
      </VisuallyHidden>
      <Indicator
        label={<span aria-hidden>{shown}</span>}
        size={16}
        disabled={unread === 0}
        color="red"
        offset={5}
      >
        <ActionIcon
          variant="subtle"
          color="gray"
          c="var(--mantine-color-text)"
          size="lg"
          renderRoot={(props) => <Link to="/notifications" {...props} />}
          aria-label={unread === 0 ? 'Notifications' : `Notifications, ${unread} unread`}
        >
          <BellIcon size={18} aria-hidden />
        </ActionIcon>
      </Indicator>
    </>
  );
}
