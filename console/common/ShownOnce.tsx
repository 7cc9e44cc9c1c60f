import { Alert, Button, Code, CopyButton, Group, Stack } from '@mantine/core';
import type { ReactNode } from 'react';

interface ShownOnceProps {
  secret: string;
  /** What to do with it, and that it is not shown again. */
  warning: string;
  /** What the secret is used for. */
  children?: ReactNode;
  onClose: () => void;
}

/** A new secret, which is not shown again. */
export function ShownOnce({ secret, warning, children, onClose }: ShownOnceProps) {
  return (
    <Stack>
      <Alert color="orange" variant="light">
        {warning}
      </Alert>
      <Code block className="whole">
        {secret}
      </Code>
      {children}
      <Group justify="flex-end">
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}
