import type { Schemas } from '../../../api/client';
import { StatusBadge } from '../../../common/StatusBadge';

type Rollout = Schemas['DefinitionRollout'];

const LOOKS: Record<Rollout['state'], readonly [status: string, label: string]> = {
  planning: ['running', 'Dry run'],
  planned: ['pending', 'Needs approval'],
  running: ['running', 'Going out'],
  completed: ['succeeded', 'Completed'],
  canceled: ['canceled', 'Canceled'],
  rolling_back: ['running', 'Rolling back'],
  rolled_back: ['ended', 'Rolled back'],
};

export function RolloutBadge({
  rollout: { state, paused_because: pausedBecause },
  size = 'sm',
}: {
  rollout: Pick<Rollout, 'state' | 'paused_because'>;
  size?: 'sm' | 'lg';
}) {
  if (pausedBecause === 'failures') return <StatusBadge status="failed" label="Stopped" size={size} />;
  const [status, label] = pausedBecause === null ? LOOKS[state] : ['paused', 'Paused'];
  return <StatusBadge status={status} label={label} size={size} />;
}
