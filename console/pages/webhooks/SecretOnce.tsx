import { Text } from '@mantine/core';
import { ShownOnce } from '../../common/ShownOnce';

/** The secret that verifies the signatures of an endpoint's requests. */
export function SecretOnce({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <ShownOnce
      secret={secret}
      warning="Copy the secret now, as it is not shown again. If you lose it, rotate the secret."
      onClose={onClose}
    >
      <Text size="sm">Your receiver verifies the signature of each request with it (Standard Webhooks).</Text>
    </ShownOnce>
  );
}
