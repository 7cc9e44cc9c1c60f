import { Text } from '@mantine/core';
import { ShownOnce } from '../../common/ShownOnce';

/** A secret that verifies signatures. */
export function SecretOnce({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <ShownOnce
      secret={secret}
      warning="Copy the secret now: it cannot be shown again. A lost one is replaced by a new one."
      onClose={onClose}
    >
      <Text size="sm">Your program verifies the signature of each request with it (Standard Webhooks).</Text>
    </ShownOnce>
  );
}
