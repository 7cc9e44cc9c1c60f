import { NavLink, ScrollArea, Stack, Text } from '@mantine/core';
import { Link, type LinkProps } from '@tanstack/react-router';
import {
  ChartLine,
  Eye,
  Contact,
  FileClock,
  KeyRound,
  Plug,
  ScrollText,
  Settings,
  Trash2,
  type LucideIcon,
  UserCog,
  Users,
  Webhook,
} from 'lucide-react';
import { useSession } from '../session/session';
import { useRecordTypes } from './record-types';

interface Place extends Pick<LinkProps, 'to' | 'params'> {
  label: string;
  icon: LucideIcon;
  /** Only this very page, not those below it. */
  isExact?: boolean;
}

export function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const { role } = useSession();
  const records: Place[] = useRecordTypes().map(({ name, label }) => ({
    label,
    icon: name === 'employees' ? Users : Contact,
    to: '/records/$recordType',
    params: { recordType: name },
  }));
  const admin: Place[] =
    role === 'admin'
      ? [
          { label: 'People', icon: UserCog, to: '/settings/people' },
          { label: 'API keys', icon: KeyRound, to: '/settings/api-keys' },
          { label: 'Audit log', icon: ScrollText, to: '/settings/audit-log' },
        ]
      : [];
  const groups: [string, Place[]][] = [
    ['Records', records],
    [
      'Sync',
      [
        { label: 'Integrations', icon: Plug, to: '/integrations' },
        { label: 'Sync Overview', icon: Eye, to: '/overviews' },
        { label: 'Sync Logs', icon: FileClock, to: '/sync-runs' },
        { label: 'Sync Status', icon: ChartLine, to: '/sync-status' },
        { label: 'Parked deletions', icon: Trash2, to: '/deletion-reviews' },
      ],
    ],
    [
      'Settings',
      [
        { label: 'General', icon: Settings, to: '/settings', isExact: true },
        { label: 'Webhooks', icon: Webhook, to: '/webhooks' },
        ...admin,
      ],
    ],
  ];
  return (
    <ScrollArea component="nav" aria-label="Pages" h="100%">
      <Stack gap="md">
        {groups.map(([title, places]) => (
          <div key={title}>
            <Text size="xs" fw={600} c="dimmed" px="sm" pb={4}>
              {title}
            </Text>
            {places.map(({ label, icon: Icon, isExact, ...target }) => (
              <NavLink
                key={label}
                label={label}
                leftSection={<Icon size={16} aria-hidden />}
                onClick={onNavigate}
                style={{ borderRadius: 'var(--mantine-radius-md)' }}
                renderRoot={(props) => (
                  <Link
                    {...props}
                    {...target}
                    activeOptions={{ exact: isExact ?? false, includeSearch: false }}
                    activeProps={{ 'data-active': true, 'aria-current': 'page' } as object}
                  />
                )}
              />
            ))}
          </div>
        ))}
      </Stack>
    </ScrollArea>
  );
}
