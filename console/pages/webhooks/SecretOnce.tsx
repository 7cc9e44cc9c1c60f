import { Alert, Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';

/** A secret that verifies signatures, at the only time it can be seen. */
export function SecretOnce({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Stack>
      <Alert color="orange" variant="light">
        Copy the secret now: it cannot be shown again. A lost one is replaced by a new one.
      </Alert>
      <Code block>{secret}</Code>
      <Text size="sm">Your program verifies the signature of each request with it (Standard Webhooks).</Text>
      <Group justify="flex-end">
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>I have it</Button>
      </Group>
    </Stack>
  );
}
