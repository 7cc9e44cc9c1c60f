import { Button, Code, CopyButton, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type AppOwner, redirectUriQuery } from '../../api/oauth-app-queries';
import { Read } from '../../common/States';

/** The address to enter in the form of the provider. */
export function RedirectUri({ owner }: { owner: AppOwner }) {
  return (
    <Read query={useQuery(redirectUriQuery(owner))} rows={1}>
      {(uri) => (
        <Group gap="xs" wrap="nowrap" align="flex-start">
          <Code block className="whole" flex={1}>
            {uri}
          </Code>
          <CopyButton value={uri}>
            {({ copied, copy }) => (
              <Button variant="default" size="xs" onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
        </Group>
      )}
    </Read>
  );
}
