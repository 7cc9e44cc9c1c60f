import { Alert, Button, Code, CopyButton, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { answerOf, api, type Schemas, versionOf } from '../../api/client';
import { peopleQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { useConfirm } from '../../common/Confirm';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { Empty, ProblemView } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { useRefusal, useSession } from '../../session/session';

type Person = Schemas['Person'];
export const ROLES = [
  { value: 'viewer', label: 'Viewer: may read' },
  { value: 'operator', label: 'Operator: also changes records and runs syncs' },
  { value: 'admin', label: 'Admin: also changes integrations, keys and people' },
];
const STATUSES = { invited: 'Invited', active: 'Active', disabled: 'Disabled' } as const;

export function PeoplePage() {
  const people = useInfiniteQuery(peopleQuery);
  const { person: me } = useSession();
  const refusal = useRefusal('admin');
  const [isOpen, setOpen] = useState(false);
  const [link, setLink] = useState<Schemas['PersonWithLink']>();
  const { ask, dialogue } = useConfirm();
  const change = useAction({
    async run({ id, ...body }: { id: string; role?: Person['role']; is_disabled?: boolean }) {
      const params = { path: { person_id: id } };
      const { etag } = await versionOf(api.GET('/v1/people/{person_id}', { params }));
      return answerOf(
        api.PATCH('/v1/people/{person_id}', { params: { ...params, header: { 'If-Match': etag } }, body }),
      );
    },
    done: 'Saved.',
    changes: ['people'],
  });
  const invite = useAction({
    run: (id: string) =>
      answerOf(api.POST('/v1/people/{person_id}/invitation', { params: { path: { person_id: id } } })),
    changes: ['people'],
    onDone: setLink,
  });
  const ofOneself = (person: Person): string | undefined =>
    person.id === me.id ? 'Another admin has to do this for you.' : undefined;
  const whyNotRole = (person: Person): string | undefined =>
    refusal ?? ofOneself(person) ?? (person.status === 'disabled' ? 'Enable them first.' : undefined);
  const columns: Column<Person>[] = [
    {
      title: 'Name',
      cell: (person) => (
        <>
          <Text fw={600} size="sm">
            {person.name}
            {person.id === me.id ? ' (you)' : ''}
          </Text>
          <Text size="xs" c="dimmed">
            {person.email}
          </Text>
        </>
      ),
    },
    {
      title: 'State',
      cell: (person) => (
        <StatusBadge
          status={
            person.status === 'active' ? 'enabled' : person.status === 'invited' ? 'queued' : 'disabled'
          }
          label={STATUSES[person.status]}
        />
      ),
    },
    {
      title: 'Role',
      from: 'sm',
      cell: (person) => (
        <Select
          aria-label={`Role of ${person.name}`}
          size="xs"
          w={120}
          data={ROLES.map(({ value, label }) => ({ value, label: label.split(':')[0] ?? label }))}
          value={person.role}
          allowDeselect={false}
          disabled={whyNotRole(person) !== undefined}
          title={whyNotRole(person)}
          onChange={(role) => change.mutate({ id: person.id, role: role as Person['role'] })}
        />
      ),
    },
    {
      title: 'Last signed in',
      from: 'md',
      cell: (person) => <Instant at={person.last_signed_in_at} relative none="never" />,
    },
    {
      title: 'Actions',
      cell: (person) => (
        <Group gap={6}>
          <ActionButton
            size="compact-xs"
            variant="default"
            refusal={refusal ?? (person.status === 'disabled' ? 'Enable them first.' : undefined)}
            onClick={() => invite.mutate(person.id)}
          >
            New link
          </ActionButton>
          {person.status === 'disabled' ? (
            <ActionButton
              size="compact-xs"
              variant="default"
              refusal={refusal}
              onClick={() => change.mutate({ id: person.id, is_disabled: false })}
            >
              Enable
            </ActionButton>
          ) : (
            <ActionButton
              size="compact-xs"
              variant="default"
              refusal={refusal ?? ofOneself(person)}
              onClick={() =>
                ask({
                  title: `Disable ${person.name}?`,
                  body: 'They are signed out everywhere at once and get no more e-mails. What they did stays in the logs.',
                  confirm: 'Disable',
                  isDangerous: true,
                  act: () => change.mutate({ id: person.id, is_disabled: true }),
                })
              }
            >
              Disable
            </ActionButton>
          )}
        </Group>
      ),
    },
  ];
  return (
    <Page
      title="People"
      subtitle="Who may sign in to this console, and what they may do."
      actions={
        <>
          <CopyAsCurl path="/people" />
          <ActionButton
            leftSection={<Plus size={16} aria-hidden />}
            refusal={refusal}
            onClick={() => setOpen(true)}
          >
            Add a person
          </ActionButton>
        </>
      }
    >
      <ListTable
        label="People"
        query={people}
        columns={columns}
        rowKey={(person) => person.id}
        empty={<Empty title="Nobody yet" />}
      />
      <Modal opened={isOpen} onClose={() => setOpen(false)} title="Add a person">
        <NewPerson
          onDone={(person) => {
            setOpen(false);
            setLink(person);
          }}
        />
      </Modal>
      <Modal
        opened={link !== undefined}
        onClose={() => setLink(undefined)}
        title={`A link for ${link?.name ?? ''}`}
        closeOnClickOutside={false}
      >
        {link !== undefined && <OneTimeLink link={link.invitation} />}
      </Modal>
      {dialogue}
    </Page>
  );
}

function OneTimeLink({ link }: { link: Schemas['PersonLink'] }) {
  return (
    <Stack>
      <Alert color="orange" variant="light">
        Give it to them yourself, by a way that only they read. It works once, until{' '}
        <Instant at={link.expires_at} />, and is not shown again.
      </Alert>
      <Code block>{link.link}</Code>
      <Group justify="flex-end">
        <CopyButton value={link.link}>
          {({ copied, copy }) => <Button onClick={copy}>{copied ? 'Copied' : 'Copy the link'}</Button>}
        </CopyButton>
      </Group>
    </Stack>
  );
}

function NewPerson({ onDone }: { onDone: (person: Schemas['PersonWithLink']) => void }) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Person['role']>('operator');
  const add = useAction({
    run: () => answerOf(api.POST('/v1/people', { body: { name, email, role } })),
    isQuiet: true,
    changes: ['people'],
    onDone,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {add.error && <ProblemView error={add.error} />}
        <TextInput
          label="Name"
          required
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label="E-mail"
          type="email"
          required
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <Select
          label="Role"
          allowDeselect={false}
          data={ROLES}
          value={role}
          onChange={(value) => setRole((value ?? 'operator') as Person['role'])}
        />
        <Group justify="flex-end">
          <ActionButton type="submit" loading={add.isPending}>
            Add
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
