import { Alert, Button, Code, CopyButton, Group, Stack } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { Instant } from '../../common/Time';

/** The link with which a person sets a password. */
export function OneTimeLink({ link: { link, expires_at: expiresAt } }: { link: Schemas['PersonLink'] }) {
  return (
    <Stack>
      <Alert color="orange" variant="light">
        Send this link over a private channel. It works once, until <Instant at={expiresAt} />, and is not
        shown again.
      </Alert>
      <Code block className="whole">
        {link}
      </Code>
      <Group justify="flex-end">
        <CopyButton value={link}>
          {({ copied, copy }) => <Button onClick={copy}>{copied ? 'Copied' : 'Copy link'}</Button>}
        </CopyButton>
      </Group>
    </Stack>
  );
}
