import { Text } from '@mantine/core';
import type { Schemas } from '../../api/client';

/** The message of the app, then its explanation. */
export function SyncErrorText({ error, app }: { error: Schemas['SyncError']; app?: string }) {
  return (
    <div>
      <Text size="sm" c="var(--mantine-color-error)" fw={600}>
        {app === undefined ? '' : `${app}: `}
        {error.message}
      </Text>
      {error.explanation !== error.message && <Text size="xs">{error.explanation}</Text>}
    </div>
  );
}
