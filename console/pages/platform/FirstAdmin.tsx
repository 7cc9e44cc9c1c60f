import { Group, Modal, Stack, Text } from '@mantine/core';
import { UserPlus } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';
import { EmailInput } from '../settings/EmailInput';
import { NameInput } from '../settings/NameInput';
import { OneTimeLink } from '../settings/OneTimeLink';

interface FirstAdminProps {
  tenant: Schemas['Tenant'];
}

/** Lets a person sign in as admin of a tenant that has no admin, or that has locked itself out. */
export function FirstAdmin({ tenant }: FirstAdminProps) {
  const [isOpen, setOpen] = useState(false);
  const [added, setAdded] = useState<Schemas['PersonWithLink']>();
  const close = (): void => {
    setOpen(false);
    setAdded(undefined);
  };
  return (
    <>
      <ActionButton
        variant="default"
        leftSection={<UserPlus size={16} aria-hidden />}
        onClick={() => setOpen(true)}
      >
        Add admin
      </ActionButton>
      <Modal
        opened={isOpen}
        onClose={close}
        title={added === undefined ? `Add an admin of ${tenant.name}` : `Sign-in link for ${added.name}`}
        closeOnClickOutside={false}
      >
        {added === undefined ? (
          <AdminForm tenant={tenant} onDone={setAdded} />
        ) : (
          <OneTimeLink link={added.invitation} />
        )}
      </Modal>
    </>
  );
}

function AdminForm({
  tenant: { id },
  onDone,
}: FirstAdminProps & { onDone: (person: Schemas['PersonWithLink']) => void }) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const add = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/tenants/{tenant_id}/first-admin', {
          params: { path: { tenant_id: id } },
          body: { name, email },
        }),
      ),
    isQuiet: true,
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
        <Text size="sm">
          If the tenant already has a user with this address, that user becomes an admin and gets a new link.
        </Text>
        <NameInput name={name} onChange={setName} />
        <EmailInput email={email} onChange={setEmail} />
        <Group justify="flex-end">
          <ActionButton type="submit" loading={add.isPending}>
            Add admin
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
