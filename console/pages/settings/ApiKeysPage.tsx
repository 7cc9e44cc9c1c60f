import { Group, Modal, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { apiKeysQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { useConfirm } from '../../common/Confirm';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { ShownOnce } from '../../common/ShownOnce';
import { Empty, ProblemView } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { useMinute } from '../../common/time';
import { useAction } from '../../common/use-action';
import { toActor, toWords } from '../../common/formatting';
import { useRefusal } from '../../session/session';

type Key = Schemas['ApiKey'];

export function ApiKeysPage() {
  const keys = useInfiniteQuery(apiKeysQuery);
  const [isOpen, setOpen] = useState(false);
  const { ask, dialogue } = useConfirm();
  const refusal = useRefusal('admin');
  const minute = useMinute();
  const revoke = useAction({
    run: (id: string) =>
      answerOf(api.DELETE('/v1/api-keys/{api_key_id}', { params: { path: { api_key_id: id } } })),
    done: 'The key is revoked.',
    changes: ['api-keys'],
  });
  const stateOf = (key: Key): string =>
    key.revoked_at !== null ? 'Revoked' : Date.parse(key.expires_at) < minute ? 'Expired' : 'Valid';
  const columns: Column<Key>[] = [
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
    {
      title: 'State',
      cell: (key) => (
        <StatusBadge status={stateOf(key) === 'Valid' ? 'enabled' : 'disabled'} label={stateOf(key)} />
      ),
    },
    { title: 'Role', cell: (key) => toWords(key.role) },
    {
      title: 'Last used',
      from: 'sm',
      cell: (key) => <Instant at={key.last_used_at} relative none="never" />,
    },
    { title: 'Expires', from: 'md', cell: (key) => <Instant at={key.expires_at} /> },
    { title: 'Made by', from: 'lg', cell: (key) => toActor(key.created_by) },
    {
      title: 'Action',
      cell: (key) => (
        <ActionButton
          size="compact-xs"
          variant="default"
          refusal={refusal ?? (key.revoked_at === null ? undefined : 'It is revoked already.')}
          onClick={() =>
            ask({
              title: `Revoke the key “${key.name}”?`,
              body: 'Programs that use it are refused at once. This cannot be undone.',
              confirm: 'Revoke',
              isDangerous: true,
              act: () => revoke.mutate(key.id),
            })
          }
        >
          Revoke
        </ActionButton>
      ),
    },
  ];
  return (
    <Page
      title="API keys"
      subtitle="For programs that call the API. A key is shown once, when it is made."
      actions={
        <ActionButton
          leftSection={<Plus size={16} aria-hidden />}
          refusal={refusal}
          onClick={() => setOpen(true)}
        >
          Make a key
        </ActionButton>
      }
    >
      <ListTable
        label="API keys"
        query={keys}
        columns={columns}
        rowKey={(key) => key.id}
        empty={<Empty title="No key yet" />}
      />
      <Modal
        opened={isOpen}
        onClose={() => setOpen(false)}
        title="Make an API key"
        closeOnClickOutside={false}
      >
        <NewKey onClose={() => setOpen(false)} />
      </Modal>
      {dialogue}
    </Page>
  );
}

function NewKey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Key['role']>('operator');
  const [days, setDays] = useState<number | string>(365);
  const make = useAction({
    run: () => answerOf(api.POST('/v1/api-keys', { body: { name, role, expires_in_days: Number(days) } })),
    isQuiet: true,
    changes: ['api-keys'],
  });
  if (make.data !== undefined)
    return (
      <ShownOnce
        secret={make.data.key}
        warning="Copy it now: it is kept only as a hash and cannot be shown again."
        onClose={onClose}
      />
    );
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {make.error && <ProblemView error={make.error} />}
        <TextInput
          label="Name"
          description="What will use it."
          required
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Select
          label="Role"
          allowDeselect={false}
          data={[
            { value: 'viewer', label: 'Viewer: may read' },
            { value: 'operator', label: 'Operator: also changes records and runs syncs' },
            { value: 'admin', label: 'Admin: also changes integrations and keys' },
          ]}
          value={role}
          onChange={(value) => setRole(value ?? 'operator')}
        />
        <NumberInput
          label="Expires after days"
          min={1}
          max={3_650}
          required
          value={days}
          onChange={setDays}
        />
        <Group justify="flex-end">
          <ActionButton type="submit" loading={make.isPending}>
            Make the key
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
