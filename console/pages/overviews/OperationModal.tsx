/**
 * Waits with the person for an overview or a Sync Now, for about a minute. If it has not ended by then, it
 * goes on in the background and ends with a notification. Closing the dialogue cancels nothing.
 */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { ProblemView } from '../../common/States';
import { OperationProgress } from './OperationProgress';
import { type RequestedOperation, type StartedOperation, useOperation } from './use-operation';

export type { RequestedOperation };

interface OperationModalProps {
  requested: RequestedOperation;
  onClose: () => void;
}

export function OperationModal({ requested, onClose }: OperationModalProps) {
  const navigate = useNavigate();
  const [startedAt] = useState(() => Date.now());
  const isOverview = requested.kind === 'overview';
  const open = ({ overviewId, syncRunId }: StartedOperation): void => {
    onClose();
    if (syncRunId !== null) void navigate({ to: '/sync-runs/$syncRunId', params: { syncRunId } });
    else if (overviewId !== null) void navigate({ to: '/overviews/$overviewId', params: { overviewId } });
  };
  const { started, error, stopWaiting } = useOperation(requested, open);
  const close = (): void => {
    stopWaiting();
    onClose();
  };
  const { app } = requested.integration;
  return (
    <Modal
      opened
      onClose={close}
      title={isOverview ? `Sync Overview of ${app}` : `Sync Now: ${app}`}
      closeOnClickOutside={false}
    >
      <Stack aria-live="polite">
        {error ? (
          <ProblemView error={error} />
        ) : started !== undefined && !started.isDone ? (
          <Text>
            {isOverview ? 'The overview' : 'The sync'} is processing in the background. You will be sent a
            notification when it is finished.
          </Text>
        ) : (
          <OperationProgress requested={requested} since={startedAt} />
        )}
        <Group justify="flex-end">
          {started !== undefined && (
            <Button variant="default" onClick={() => open(started)}>
              {isOverview ? 'Show overview' : 'Show Sync Log'}
            </Button>
          )}
          <Button onClick={close} data-autofocus>
            Close
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
