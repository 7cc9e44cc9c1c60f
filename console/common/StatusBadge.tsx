import { Badge, Group } from '@mantine/core';
import {
  Ban,
  CircleCheck,
  CircleDashed,
  CirclePause,
  CircleX,
  Clock,
  Download,
  type LucideIcon,
  RefreshCw,
  TriangleAlert,
} from 'lucide-react';

interface Look {
  label: string;
  color: string;
  icon: LucideIcon;
  isTurning?: boolean;
}

/** Never colour alone: an icon and a word besides. */
const LOOKS: Record<string, Look> = {
  synced: { label: 'Synced', color: 'teal', icon: CircleCheck },
  sync_failed: { label: 'Sync failed', color: 'red', icon: TriangleAlert },
  syncing: { label: 'Syncing', color: 'blue', icon: RefreshCw, isTurning: true },
  sync_pending: { label: 'Sync pending', color: 'yellow', icon: Clock },

  queued: { label: 'Queued', color: 'gray', icon: CircleDashed },
  running: { label: 'Running', color: 'blue', icon: RefreshCw, isTurning: true },
  waiting: { label: 'Waiting', color: 'yellow', icon: Clock },
  succeeded: { label: 'Succeeded', color: 'teal', icon: CircleCheck },
  partially_succeeded: { label: 'Partially succeeded', color: 'orange', icon: TriangleAlert },
  failed: { label: 'Failed', color: 'red', icon: CircleX },
  canceled: { label: 'Canceled', color: 'gray', icon: Ban },
  not_supported: { label: 'Not supported', color: 'gray', icon: Ban },

  active: { label: 'Healthy', color: 'teal', icon: CircleCheck },
  paused: { label: 'Paused', color: 'gray', icon: CirclePause },
  needs_reauthorization: { label: 'Needs re-authorization', color: 'red', icon: TriangleAlert },
  blocked: { label: 'Waiting for the app', color: 'orange', icon: Clock },

  pending: { label: 'Waits for a decision', color: 'orange', icon: Clock },
  approved: { label: 'Approved', color: 'teal', icon: CircleCheck },
  discarded: { label: 'Discarded', color: 'gray', icon: Ban },
  superseded: { label: 'Superseded', color: 'gray', icon: Ban },
  no_net_change: { label: 'No net change', color: 'gray', icon: CircleCheck },
  left: { label: 'Left as it is there', color: 'gray', icon: CircleCheck },
  closed: { label: 'Closed', color: 'gray', icon: CircleCheck },

  delivered: { label: 'Delivered', color: 'teal', icon: CircleCheck },
  retrying: { label: 'Retrying', color: 'yellow', icon: RefreshCw },
  disabled: { label: 'Disabled', color: 'gray', icon: Ban },
  enabled: { label: 'Enabled', color: 'teal', icon: CircleCheck },
};

export const statusLabel = (status: string): string => LOOKS[status]?.label ?? status;

export function StatusBadge({
  status,
  count,
  size = 'md',
  label,
}: {
  status: string;
  count?: number | undefined;
  size?: string;
  label?: string;
}) {
  const look = LOOKS[status] ?? { label: status, color: 'gray', icon: CircleDashed };
  const Icon = look.icon;
  return (
    <Badge
      color={look.color}
      size={size}
      leftSection={
        <Icon size={size === 'xl' ? 18 : 13} aria-hidden className={look.isTurning ? 'turning' : undefined} />
      }
    >
      {label ?? look.label}
      {count !== undefined && count > 1 ? ` · ${count}` : ''}
    </Badge>
  );
}

interface RecordBadgeData {
  status: string | null;
  counts: Record<string, number>;
  is_paused: boolean;
}

/** The most important status of all third parties first; the others beside it where there is room. `isRead`: it goes nowhere, but comes from somewhere. */
export function RecordBadge({
  badge,
  isRead = false,
  isWhole = false,
}: {
  badge: RecordBadgeData;
  isRead?: boolean;
  isWhole?: boolean;
}) {
  if (badge.status === null)
    return (
      <Badge
        color="gray"
        size={isWhole ? 'lg' : 'md'}
        leftSection={isRead ? <Download size={13} aria-hidden /> : undefined}
      >
        {isRead ? 'Only read' : 'Not synced anywhere'}
      </Badge>
    );
  const others = Object.entries(badge.counts).filter(
    ([status, count]) => count > 0 && status !== badge.status,
  );
  return (
    <Group
      gap={6}
      className={isWhole ? undefined : 'one-line'}
      component="span"
      style={{ display: 'inline-flex' }}
    >
      <StatusBadge status={badge.status} count={badge.counts[badge.status]} size={isWhole ? 'xl' : 'md'} />
      {isWhole &&
        others.map(([status, count]) => <StatusBadge key={status} status={status} count={count} size="lg" />)}
      {badge.is_paused && <StatusBadge status="paused" size={isWhole ? 'lg' : 'md'} />}
    </Group>
  );
}
