import { Group, Select, Stack, Text } from '@mantine/core';
import { answerOf, api, type Schemas, versionOf } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import type { Column } from '../../common/ListTable';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { type Role, useRefusal, useSession } from '../../session/session';
import { ROLE_CHOICES } from './role-choices';

type Person = Schemas['Person'];
type OnInvited = (person: Schemas['PersonWithLink']) => void;

const STATES = {
  invited: { status: 'queued', label: 'Invited' },
  active: { status: 'enabled', label: 'Active' },
  disabled: { status: 'disabled', label: 'Disabled' },
} as const;
const ROLE_NAMES = ROLE_CHOICES.map(({ value, label }) => ({ value, label: label.split(':')[0] ?? label }));

export const personColumns = (onInvited: OnInvited): Column<Person>[] => [
  { title: 'Name', cell: (person) => <NameCell person={person} /> },
  { title: 'State', cell: ({ status }) => <StatusBadge {...STATES[status]} /> },
  { title: 'Role', from: 'sm', cell: (person) => <RoleCell person={person} /> },
  {
    title: 'Last sign-in',
    from: 'md',
    cell: (person) => <Instant at={person.last_signed_in_at} relative none="never" />,
  },
  { title: 'Actions', cell: (person) => <ActionsCell person={person} onInvited={onInvited} /> },
];

function NameCell({ person }: { person: Person }) {
  const { person: me } = useSession();
  return (
    <>
      <Text fw={600} size="sm">
        {person.name}
        {person.id === me.id ? ' (you)' : ''}
      </Text>
      <Text size="xs" c="dimmed">
        {person.email}
      </Text>
      <RefusedAddress person={person} />
      <LinkedIdentities person={person} />
    </>
  );
}

function RefusedAddress({ person }: { person: Person }) {
  const { email_refusal: refusal, name, id } = person;
  const clear = useAction({
    run: () =>
      answerOf(api.DELETE('/v1/people/{person_id}/email-refusal', { params: { path: { person_id: id } } })),
    done: `E-mails to ${name} are sent again.`,
    changes: ['people', 'notification-settings'],
  });
  const roleRefusal = useRefusal('admin');
  if (refusal === null) return null;
  return (
    <Stack gap={4} maw={360} align="flex-start">
      <Text size="xs" c="red" component="div">
        The mail server refused this address <Instant at={refusal.refused_at} relative />: {refusal.detail}
      </Text>
      <ActionButton
        size="compact-xs"
        variant="default"
        refusal={roleRefusal}
        loading={clear.isPending}
        onClick={() => clear.mutate()}
      >
        Send e-mails again
      </ActionButton>
    </Stack>
  );
}

function LinkedIdentities({ person: { id, name, identities } }: { person: Person }) {
  const release = useAction({
    run: () =>
      answerOf(api.DELETE('/v1/people/{person_id}/identities', { params: { path: { person_id: id } } })),
    done: `The single sign-on of ${name} is released.`,
    changes: ['people'],
  });
  const roleRefusal = useRefusal('admin');
  if (identities.length === 0) return null;
  return (
    <Stack gap={4} maw={360} align="flex-start">
      {identities.map(({ issuer, subject }) => (
        <Text key={issuer} size="xs" c="dimmed">
          Single sign-on: {subject} at {issuer}
        </Text>
      ))}
      <ConfirmedAction
        size="compact-xs"
        variant="default"
        refusal={roleRefusal}
        title={`Release the single sign-on of ${name}?`}
        body={`The next single sign-on with the verified address of ${name} links the account that is used there.`}
        confirm="Release"
        onConfirm={() => release.mutate()}
      >
        Release single sign-on
      </ConfirmedAction>
    </Stack>
  );
}

function usePersonChange(person: Person) {
  return useAction({
    async run(body: { role?: Role; is_disabled?: boolean }) {
      const params = { path: { person_id: person.id } };
      const { etag } = await versionOf(api.GET('/v1/people/{person_id}', { params }));
      return answerOf(
        api.PATCH('/v1/people/{person_id}', { params: { ...params, header: { 'If-Match': etag } }, body }),
      );
    },
    done: `${person.name} is updated.`,
    changes: ['people'],
  });
}

/** Why the signed-in person may not change this one, or undefined. */
function useChangeRefusal(person: Person): string | undefined {
  const { person: me } = useSession();
  const refusal = useRefusal('admin');
  return (
    refusal ?? (person.id === me.id ? 'You cannot change your own account. Ask another admin.' : undefined)
  );
}

const disabledRefusal = ({ name, status }: Person): string | undefined =>
  status === 'disabled' ? `Enable ${name} first.` : undefined;

function RoleCell({ person }: { person: Person }) {
  const change = usePersonChange(person);
  const refusal = useChangeRefusal(person) ?? disabledRefusal(person);
  return (
    <Select
      aria-label={`Role of ${person.name}`}
      size="xs"
      w={120}
      data={ROLE_NAMES}
      value={person.role}
      allowDeselect={false}
      disabled={refusal !== undefined}
      title={refusal}
      onChange={(role) => change.mutate({ role: role as Role })}
    />
  );
}

function ActionsCell({ person, onInvited }: { person: Person; onInvited: OnInvited }) {
  const roleRefusal = useRefusal('admin');
  const invite = useAction({
    run: () =>
      answerOf(api.POST('/v1/people/{person_id}/invitation', { params: { path: { person_id: person.id } } })),
    changes: ['people'],
    onDone: onInvited,
  });
  return (
    <Group gap={6}>
      <ActionButton
        size="compact-xs"
        variant="default"
        refusal={roleRefusal ?? disabledRefusal(person)}
        onClick={() => invite.mutate()}
      >
        Create link
      </ActionButton>
      <EnableOrDisable person={person} />
    </Group>
  );
}

function EnableOrDisable({ person }: { person: Person }) {
  const change = usePersonChange(person);
  const shared = { size: 'compact-xs', variant: 'default', refusal: useChangeRefusal(person) } as const;
  if (person.status === 'disabled')
    return (
      <ActionButton {...shared} onClick={() => change.mutate({ is_disabled: false })}>
        Enable
      </ActionButton>
    );
  return (
    <ConfirmedAction
      {...shared}
      title={`Disable ${person.name}?`}
      body="All sessions of this user end at once, and no more e-mails are sent. The logs are kept."
      confirm="Disable"
      isDangerous
      onConfirm={() => change.mutate({ is_disabled: true })}
    >
      Disable
    </ConfirmedAction>
  );
}
