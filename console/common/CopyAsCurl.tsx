import { ActionIcon, CopyButton, Tooltip } from '@mantine/core';
import { Check, Terminal } from 'lucide-react';

/** Copies the request that reads the page's data as a curl command. */
export function CopyAsCurl({
  path,
  query = {},
  keyVariable = 'SYNCLINE_API_KEY',
}: {
  path: string;
  query?: Record<string, string | undefined>;
  /** The environment variable that holds the key. */
  keyVariable?: string;
}) {
  const parameters = new URLSearchParams(
    Object.entries(query).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
    ),
  );
  const search = parameters.size > 0 ? `?${parameters.toString()}` : '';
  const url = `${window.location.origin}/v1${path}${search}`;
  const command = `curl '${url}' -H "Authorization: Bearer $${keyVariable}"`;
  return (
    <CopyButton value={command}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : 'Copy as curl'}>
          <ActionIcon
            visibleFrom="sm"
            variant="default"
            size="lg"
            onClick={copy}
            aria-label={copied ? 'Copied' : 'Copy as curl'}
          >
            {copied ? <Check size={16} aria-hidden /> : <Terminal size={16} aria-hidden />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
