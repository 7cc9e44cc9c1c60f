import { Badge, Group } from '@mantine/core';
import { Download } from 'lucide-react';
import { StatusBadge } from './StatusBadge';

interface RecordBadgeProps {
  badge: {
    status: string | null;
    counts: Record<string, number>;
    is_paused: boolean;
    is_unverified: boolean;
  };
  /** The record is imported and not pushed anywhere. */
  isImported?: boolean;
  /** Shows all statuses, and larger. */
  isWhole?: boolean;
}

/** The most important status of a record across all integrations; the others beside it if `isWhole`. */
export function RecordBadge({ badge, isImported = false, isWhole = false }: RecordBadgeProps) {
  if (badge.status === null)
    return (
      <Badge
        color="gray"
        size={isWhole ? 'lg' : 'md'}
        leftSection={isImported ? <Download size={13} aria-hidden /> : undefined}
      >
        {isImported ? 'Import only' : 'Not synced'}
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
      {badge.is_unverified && <StatusBadge status="unverified" size={isWhole ? 'lg' : 'md'} />}
      {badge.is_paused && <StatusBadge status="paused" size={isWhole ? 'lg' : 'md'} />}
    </Group>
  );
}
