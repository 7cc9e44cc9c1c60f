import { useQuery } from '@tanstack/react-query';
import { Zap } from 'lucide-react';
import type { Schemas } from '../../api/client';
import { integrationsQuery } from '../../api/queries';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { plural } from '../../common/formatting';
import type { RequestedOperation } from './OperationModal';
import { useSyncRefusal } from './StartButtons';

interface ApplyOverviewProps {
  overview: Schemas['SyncOverview'];
  onApply: (requested: RequestedOperation) => void;
}

/** Starts a Sync Now that applies exactly this overview. */
export function ApplyOverview({ overview, onApply }: ApplyOverviewProps) {
  const { data: integrations = [] } = useQuery(integrationsQuery);
  const integration = integrations.find(({ id }) => id === overview.integration_id);
  const syncRefusal = useSyncRefusal(integration);
  const total = overview.datasets.reduce(
    (sum, { creates, updates, deletes }) => sum + creates + updates + deletes,
    0,
  );
  const refusal =
    syncRefusal ??
    (overview.state === 'ready' ? undefined : 'The overview is not ready.') ??
    (total === 0 ? 'There is nothing to sync: both sides match.' : undefined);
  return (
    <ConfirmedAction
      leftSection={<Zap size={16} aria-hidden />}
      refusal={refusal}
      title="Sync Now from this overview?"
      body={
        `This applies exactly the changes shown: ${plural(total, 'record')}. ` +
        'Records that changed since the overview are skipped and listed in the Sync Log.'
      }
      confirm="Sync Now"
      onConfirm={() => integration && onApply({ kind: 'sync_now', integration, overviewId: overview.id })}
    >
      Sync Now
    </ConfirmedAction>
  );
}
