import { Badge, Box, Group, Stack, Table, Text, Tooltip } from '@mantine/core';
import { Lock, TriangleAlert } from 'lucide-react';
import type { Schemas } from '../../api/client';
import { cut, toText, toWords } from '../../common/formatting';
import { FieldInput } from './FieldInput';
import { FieldSyncs } from './FieldSyncs';
import { SyncErrorText } from './SyncErrorText';
import type { RecordForm } from './use-record-form';

interface FieldRowProps {
  name: string;
  record: Schemas['Record'];
  form: RecordForm;
  integrations: readonly Schemas['Integration'][];
}

/** A field: its label, its value or input, its errors, and the apps it syncs with. */
export function FieldRow(props: FieldRowProps) {
  const { name, record, integrations } = props;
  const label = labelOf(props);
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={500} title={name}>
        {cut(label, 50)}
      </Table.Th>
      <Table.Td>
        <Stack gap={4}>
          <FieldValue {...props} label={label} />
          <FieldErrors name={name} record={record} />
          <Box hiddenFrom="sm">
            <FieldSyncs name={name} record={record} integrations={integrations} />
          </Box>
        </Stack>
      </Table.Td>
      <Table.Td visibleFrom="sm">
        <FieldSyncs name={name} record={record} integrations={integrations} />
      </Table.Td>
    </Table.Tr>
  );
}

function FieldValue({ label, ...props }: FieldRowProps & { label: string }) {
  const { name, form } = props;
  const owner = ownerOf(props);
  if (form.isEditing && owner === undefined)
    return (
      <FieldInput
        label={label}
        before={form.valueOf(name)}
        draft={form.draftOf(name)}
        error={form.errorOf(name)}
        onEdit={(draft) => form.edit(name, draft)}
      />
    );
  return (
    <Group gap={6}>
      <span className="long">
        {toText(form.valueOf(name)) || (
          <Text span c="dimmed">
            empty
          </Text>
        )}
      </span>
      {form.isEditing && owner !== undefined && (
        <Tooltip label={`Imported from ${owner}. Change it there.`}>
          <Badge color="gray" leftSection={<Lock size={12} aria-hidden />}>
            Owned by {owner}
          </Badge>
        </Tooltip>
      )}
    </Group>
  );
}

function FieldErrors({ name, record }: { name: string; record: Schemas['Record'] }) {
  return record.syncs.flatMap(({ app, errors }) =>
    errors
      .filter(({ field }) => field === name)
      .map((error) => (
        <Group key={app + error.code + error.message} gap={6} wrap="nowrap" align="flex-start">
          <TriangleAlert
            size={16}
            color="var(--mantine-color-error)"
            aria-hidden
            style={{ flexShrink: 0, marginTop: 2 }}
          />
          <SyncErrorText error={error} app={app} />
        </Group>
      )),
  );
}

function labelOf({ name, record, integrations }: FieldRowProps): string {
  const type = integrations
    .flatMap((one) => one.remote_record_types)
    .find((known) => known.name === record.record_type);
  return type?.fields.find((field) => field.name === name)?.label ?? toWords(name);
}

/** The app that owns the field, if it is only imported (rules.md 17). */
function ownerOf({ name, record, integrations }: FieldRowProps): string | undefined {
  const mappingOf = (one: Schemas['Integration']) => one.record_types[record.record_type];
  const fieldsOf = (one: Schemas['Integration']) =>
    mappingOf(one)?.fields?.filter((field) => field.name === name) ?? [];
  const mapping = integrations.filter((one) => fieldsOf(one).length > 0);
  const isOnlyRead = (one: Schemas['Integration']) =>
    mappingOf(one)?.direction === 'pull' || fieldsOf(one).every(({ direction }) => direction === 'pull');
  return mapping.every(isOnlyRead) ? mapping[0]?.app : undefined;
}
