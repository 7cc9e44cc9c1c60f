import { Eye, Zap } from 'lucide-react';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { useRefusal } from '../../session/session';
import { OperationModal, type Work } from './OperationModal';

/** Why neither can be started at this integration now, or undefined. */
export function useSyncRefusal(integration: Schemas['Integration'] | undefined): string | undefined {
  const refusal = useRefusal('operator');
  if (refusal !== undefined) return refusal;
  if (integration === undefined) return 'The integration is unlinked.';
  if (integration.state === 'paused') return 'The integration is paused. Resume it to sync.';
  if (integration.state === 'needs_reauthorization') return 'It needs new credentials first.';
  return integration.onboarding.state === 'in_progress'
    ? 'It is being onboarded; wait until all of its data is here.'
    : undefined;
}

/** Sync Overview and Sync Now of an integration. */
export function StartButtons({ integration }: { integration: Schemas['Integration'] }) {
  const refusal = useSyncRefusal(integration);
  const [work, setWork] = useState<Work>();
  return (
    <>
      <ActionButton
        leftSection={<Eye size={16} aria-hidden />}
        refusal={refusal}
        onClick={() => setWork({ kind: 'overview', integration })}
      >
        Sync Overview
      </ActionButton>
      <ActionButton
        variant="default"
        leftSection={<Zap size={16} aria-hidden />}
        refusal={refusal}
        onClick={() => setWork({ kind: 'sync_now', integration })}
      >
        Sync Now
      </ActionButton>
      {work !== undefined && <OperationModal work={work} onClose={() => setWork(undefined)} />}
    </>
  );
}
