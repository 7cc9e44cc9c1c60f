import type { Schemas } from '../../api/client';
import { StatusBadge } from '../../common/StatusBadge';

interface OverviewStateProps {
  overview: Schemas['SyncOverview'];
  size?: string;
}

export function OverviewState({ overview, size = 'md' }: OverviewStateProps) {
  if (overview.state !== 'ready') return <StatusBadge status={overview.state} size={size} />;
  if (overview.applied_sync_run_id !== null)
    return <StatusBadge status="succeeded" label="Applied" size={size} />;
  return overview.is_valid ? (
    <StatusBadge status="succeeded" label="Ready" size={size} />
  ) : (
    <StatusBadge status="superseded" label="No longer valid" size={size} />
  );
}
