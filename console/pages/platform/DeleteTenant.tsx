import { Modal, Text } from '@mantine/core';
import { Trash2 } from 'lucide-react';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ConfirmByTyping } from '../erasures/ConfirmByTyping';
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
  return (
    <ConfirmByTyping
      action={remove}
      confirm="Delete tenant"
      expected={name}
      what="name of the tenant"
      typed={typed}
      isTyped={typed === name}
      onType={setTyped}
      onClose={onClose}
    >
      <Text>
        All data of the tenant is deleted: its records, integrations, users, keys and logs. This cannot be
        undone. First, the webhook subscriptions at the apps of its integrations are canceled, which can take
        up to 50 seconds. Nothing else is changed there. Then its syncs stop at once.
      </Text>
    </ConfirmByTyping>
  );
}
