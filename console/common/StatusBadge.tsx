import { Badge } from '@mantine/core';
import {
  Ban,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CirclePause,
  CircleX,
  Clock,
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

/** Color is never the only sign: each status has an icon and a label too. */
const LOOKS: Record<string, Look> = {
  synced: { label: 'Synced', color: 'teal', icon: CircleCheck },
  sync_failed: { label: 'Sync failed', color: 'red', icon: TriangleAlert },
  syncing: { label: 'Syncing', color: 'blue', icon: RefreshCw, isTurning: true },
  sync_pending: { label: 'Sync pending', color: 'yellow', icon: Clock },

  unverified: { label: 'Not verified', color: 'orange', icon: CircleHelp },

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

  pending: { label: 'Needs a decision', color: 'orange', icon: Clock },
  approved: { label: 'Approved', color: 'teal', icon: CircleCheck },
  discarded: { label: 'Discarded', color: 'gray', icon: Ban },
  superseded: { label: 'Superseded', color: 'gray', icon: Ban },
  no_net_change: { label: 'No net change', color: 'gray', icon: CircleCheck },
  left: { label: 'Left unchanged in the app', color: 'gray', icon: CircleCheck },
  ended: { label: 'Ended', color: 'gray', icon: CircleCheck },
  closed: { label: 'Closed', color: 'gray', icon: CircleCheck },

  delivered: { label: 'Delivered', color: 'teal', icon: CircleCheck },
  retrying: { label: 'Retrying', color: 'yellow', icon: RefreshCw },
  disabled: { label: 'Disabled', color: 'gray', icon: Ban },
  enabled: { label: 'Enabled', color: 'teal', icon: CircleCheck },
};

const lookOf = (status: string): Look =>
  LOOKS[status] ?? { label: status, color: 'gray', icon: CircleDashed };

export const statusLabel = (status: string): string => lookOf(status).label;

/** The icon of a status in its color, without the label. */
export function StatusIcon({ status }: { status: string }) {
  const { color, icon: Icon } = lookOf(status);
  return <Icon size={20} aria-hidden color={`var(--mantine-color-${color}-filled)`} />;
}

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
  const { color, icon: Icon, isTurning, label: usualLabel } = lookOf(status);
  return (
    <Badge
      color={color}
      size={size}
      leftSection={
        <Icon size={size === 'xl' ? 18 : 13} aria-hidden className={isTurning ? 'turning' : undefined} />
      }
    >
      {label ?? usualLabel}
      {count !== undefined && count > 1 ? ` · ${count}` : ''}
    </Badge>
  );
}
