import { Button, Group, Radio, Select, Stack, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { answerOf, api } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';
import { type NamedRecordType, useRecordTypes } from '../../shell/record-types';

type FoundBy = 'email' | 'id';

/** Which records a preview is made of. */
export function NewErasure({ onClose }: { onClose: () => void }) {
  const types = useRecordTypes();
  const [foundBy, setFoundBy] = useState<FoundBy>('email');
  const [email, setEmail] = useState('');
  const [record, setRecord] = useState<NamedRecord>({ type: types[0]?.name ?? '', externalId: '' });
  const navigate = useNavigate();
  const preview = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/erasures', {
          body:
            foundBy === 'email'
              ? { email: email.trim() }
              : { records: [{ record_type: record.type, external_id: record.externalId.trim() }] },
        }),
      ),
    isQuiet: true,
    changes: ['erasures'],
    onDone: ({ id }) => void navigate({ to: '/erasures/$erasureId', params: { erasureId: id } }),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    preview.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {preview.error && <ProblemView error={preview.error} />}
        <FoundByChoice value={foundBy} onChange={setFoundBy} />
        {foundBy === 'email' ? (
          <TextInput
            label="E-mail address"
            description="All records that have this address in a field, at most 1,000."
            inputMode="email"
            required
            data-autofocus
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
        ) : (
          <RecordInput types={types} record={record} onChange={setRecord} />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <ActionButton type="submit" loading={preview.isPending}>
            Preview erasure
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}

function FoundByChoice({ value, onChange }: { value: FoundBy; onChange: (value: FoundBy) => void }) {
  return (
    <Radio.Group label="Find records by" value={value} onChange={onChange}>
      <Group mt="xs">
        <Radio value="email" label="E-mail address" />
        <Radio value="id" label="Id" />
      </Group>
    </Radio.Group>
  );
}

interface NamedRecord {
  type: string;
  externalId: string;
}

function RecordInput({
  types,
  record,
  onChange,
}: {
  types: readonly NamedRecordType[];
  record: NamedRecord;
  onChange: (record: NamedRecord) => void;
}) {
  return (
    <>
      <Select
        label="Record type"
        allowDeselect={false}
        data={types.map(({ name, label }) => ({ value: name, label }))}
        value={record.type}
        onChange={(type) => onChange({ ...record, type: type ?? record.type })}
      />
      <TextInput
        label="Record id"
        description="The id that your product gave the record. A record's page shows it."
        required
        value={record.externalId}
        onChange={(event) => onChange({ ...record, externalId: event.currentTarget.value })}
      />
    </>
  );
}
