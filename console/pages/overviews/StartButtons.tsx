import { Eye, Zap } from 'lucide-react';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { useRefusal } from '../../session/session';
import { OperationModal, type RequestedOperation } from './OperationModal';

/** Why no Sync Overview or Sync Now can start, or undefined. */
export function useSyncRefusal(integration: Schemas['Integration'] | undefined): string | undefined {
  const refusal = useRefusal('operator');
  if (refusal !== undefined) return refusal;
  if (integration === undefined) return 'The integration is disconnected.';
  const { app, state, onboarding } = integration;
  if (state === 'paused') return `${app} is paused. Resume it to sync.`;
  if (state === 'needs_reauthorization') return `${app} needs new credentials first.`;
  return onboarding.state === 'in_progress'
    ? `The initial sync of ${app} is in progress. Wait until it is complete.`
    : undefined;
}

/** Sync Overview and Sync Now of an integration. */
export function StartButtons({ integration }: { integration: Schemas['Integration'] }) {
  const refusal = useSyncRefusal(integration);
  const [requested, setRequested] = useState<RequestedOperation>();
  return (
    <>
      <ActionButton
        leftSection={<Eye size={16} aria-hidden />}
        refusal={refusal}
        onClick={() => setRequested({ kind: 'overview', integration })}
      >
        Sync Overview
      </ActionButton>
      <ActionButton
        variant="default"
        leftSection={<Zap size={16} aria-hidden />}
        refusal={refusal}
        onClick={() => setRequested({ kind: 'sync_now', integration })}
      >
        Sync Now
      </ActionButton>
      {requested !== undefined && (
        <OperationModal requested={requested} onClose={() => setRequested(undefined)} />
      )}
    </>
  );
}
