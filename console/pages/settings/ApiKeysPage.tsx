import { Modal, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { apiKeysQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { toActor, toWords } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { Empty } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { useMinute } from '../../common/time';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { NewApiKey } from './NewApiKey';

type ApiKey = Schemas['ApiKey'];

export function ApiKeysPage() {
  const keys = useInfiniteQuery(apiKeysQuery);
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  return (
    <Page
      title="API keys"
      subtitle="For programs that call the API. A key is shown once, when it is created."
      actions={
        <ActionButton
          leftSection={<Plus size={16} aria-hidden />}
          refusal={useRefusal('admin')}
          onClick={() => setOpen(true)}
        >
          Create API key
        </ActionButton>
      }
    >
      <ListTable
        label="API keys"
        query={keys}
        columns={columns}
        rowKey={(key) => key.id}
        empty={<Empty title="No API keys yet" />}
      />
      <Modal opened={isOpen} onClose={close} title="Create API key" closeOnClickOutside={false}>
        <NewApiKey onClose={close} />
      </Modal>
    </Page>
  );
}

const columns: Column<ApiKey>[] = [
  {
    title: 'Name',
    cell: (key) => (
      <>
        <Text fw={600} size="sm">
          {key.name}
        </Text>
        <Text size="xs" c="dimmed">
          {key.prefix}…
        </Text>
      </>
    ),
  },
  { title: 'State', cell: (key) => <KeyState apiKey={key} /> },
  { title: 'Role', cell: (key) => toWords(key.role) },
  {
    title: 'Last used',
    from: 'sm',
    cell: (key) => <Instant at={key.last_used_at} relative none="never" />,
  },
  { title: 'Expires', from: 'md', cell: (key) => <Instant at={key.expires_at} /> },
  { title: 'Created by', from: 'lg', cell: (key) => toActor(key.created_by) },
  { title: 'Action', cell: (key) => <Revoke apiKey={key} /> },
];

function KeyState({ apiKey }: { apiKey: ApiKey }) {
  const minute = useMinute();
  if (apiKey.revoked_at !== null) return <StatusBadge status="disabled" label="Revoked" />;
  const isExpired = Date.parse(apiKey.expires_at) < minute;
  return isExpired ? (
    <StatusBadge status="disabled" label="Expired" />
  ) : (
    <StatusBadge status="enabled" label="Valid" />
  );
}

function Revoke({ apiKey: { id, name, revoked_at: revokedAt } }: { apiKey: ApiKey }) {
  const roleRefusal = useRefusal('admin');
  const revoke = useAction({
    run: () => answerOf(api.DELETE('/v1/api-keys/{api_key_id}', { params: { path: { api_key_id: id } } })),
    done: `API key “${name}” revoked.`,
    changes: ['api-keys'],
  });
  return (
    <ConfirmedAction
      size="compact-xs"
      variant="default"
      refusal={roleRefusal ?? (revokedAt === null ? undefined : 'This key is already revoked.')}
      title={`Revoke the API key “${name}”?`}
      body="Programs that use it lose access at once. This cannot be undone."
      confirm="Revoke"
      isDangerous
      onConfirm={() => revoke.mutate()}
    >
      Revoke
    </ConfirmedAction>
  );
}
