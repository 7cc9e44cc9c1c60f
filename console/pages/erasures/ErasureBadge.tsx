import type { Schemas } from '../../api/client';
import { StatusBadge } from '../../common/StatusBadge';

const LOOKS: Record<Schemas['ErasureState'], { status: string; label: string }> = {
  previewing: { status: 'running', label: 'Counting' },
  ready: { status: 'pending', label: 'Needs confirmation' },
  erasing: { status: 'running', label: 'Erasing' },
  waiting_for_apps: { status: 'waiting', label: 'Waiting for apps' },
  done: { status: 'succeeded', label: 'Erased' },
};

export function ErasureBadge({ erasure, size }: { erasure: Schemas['Erasure']; size?: string }) {
  const look =
    erasure.lifted_at === null ? LOOKS[erasure.state] : { status: 'closed', label: 'Erased, block lifted' };
  return <StatusBadge {...look} {...(size === undefined ? {} : { size })} />;
}
