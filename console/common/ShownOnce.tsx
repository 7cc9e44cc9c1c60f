import { Alert, Button, Code, CopyButton, Group, Stack } from '@mantine/core';
import type { ReactNode } from 'react';

interface ShownOnceProps {
  secret: string;
  /** What becomes of it afterwards. */
  warning: string;
  /** What it is for. */
  children?: ReactNode;
  onClose: () => void;
}

/** A secret at the only time it can be seen. */
export function ShownOnce({ secret, warning, children, onClose }: ShownOnceProps) {
  return (
    <Stack>
      <Alert color="orange" variant="light">
        {warning}
      </Alert>
      <Code block>{secret}</Code>
      {children}
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
