import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { Trash2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';

interface DeleteTenantProps {
  tenant: Schemas['Tenant'];
}

/** A button, and a dialogue in which the name of the tenant has to be typed. */
export function DeleteTenant({ tenant }: DeleteTenantProps) {
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  return (
    <>
      <ActionButton color="red" leftSection={<Trash2 size={16} aria-hidden />} onClick={() => setOpen(true)}>
        Delete tenant
      </ActionButton>
      <Modal opened={isOpen} onClose={close} title={`Delete ${tenant.name}?`}>
        <Confirmation tenant={tenant} onClose={close} />
      </Modal>
    </>
  );
}

function Confirmation({ tenant: { id, name }, onClose }: DeleteTenantProps & { onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const remove = useAction({
    run: () =>
      answerOf(
        api.DELETE('/v1/tenants/{tenant_id}', {
          params: { path: { tenant_id: id }, query: { name: typed } },
        }),
      ),
    isQuiet: true,
    done: `${name} was deleted.`,
    changes: ['platform-tenants'],
  });
  const isTyped = typed === name;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isTyped) remove.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {remove.error && <ProblemView error={remove.error} />}
        <Text>
          All data of the tenant is deleted: its records, integrations, users, keys and logs. This cannot be
          undone. Its syncs stop at once. Nothing is changed in the apps of its integrations.
        </Text>
        <TextInput
          label={`Type the name of the tenant (${name})`}
          autoComplete="off"
          data-autofocus
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <ActionButton
            type="submit"
            color="red"
            loading={remove.isPending}
            refusal={isTyped ? undefined : `Type ${name} to confirm.`}
          >
            Delete tenant
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
