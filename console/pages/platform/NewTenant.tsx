import { Button, Group, Select, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';
import { NameInput } from '../settings/NameInput';

const ZONES = [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])];

interface NewTenantProps {
  onClose: () => void;
  onDone: (tenant: Schemas['Tenant']) => unknown;
}

export function NewTenant({ onClose, onDone }: NewTenantProps) {
  const [name, setName] = useState('');
  const [zone, setZone] = useState('UTC');
  const [contact, setContact] = useState('');
  const create = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/tenants', {
          body: { name, time_zone: zone, contact_email: contact.trim() === '' ? null : contact.trim() },
        }),
      ),
    isQuiet: true,
    done: (tenant) => `${tenant.name} was created.`,
    changes: ['platform-tenants'],
    onDone: (tenant) => void onDone(tenant),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {create.error && <ProblemView error={create.error} />}
        <NameInput name={name} onChange={setName} />
        <Select
          label="Time zone"
          description="Its nightly syncs run at night in this zone."
          searchable
          allowDeselect={false}
          data={ZONES}
          value={zone}
          onChange={(chosen) => setZone(chosen ?? zone)}
        />
        <TextInput
          label="Contact address"
          description="Optional. Receives e-mails about events that need attention, beside the admins."
          inputMode="email"
          value={contact}
          onChange={(event) => setContact(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <ActionButton type="submit" loading={create.isPending}>
            Create tenant
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
