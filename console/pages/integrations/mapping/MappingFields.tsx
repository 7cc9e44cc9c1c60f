import { ActionIcon, Button, Group, Table, Text, TextInput, VisuallyHidden } from '@mantine/core';
import { Plus, Settings2, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { FieldSettings } from './FieldSettings';
import type { MappingOfTypeProps } from './mapping-props';
import { type MappedField, summaryOf } from './transform-steps';

/** A row per mapped field. */
export function MappingFields(props: MappingOfTypeProps) {
  const { type, mapping, recordTypes, remoteType, isReadOnly, onChange } = props;
  const fields = mapping.fields ?? [];
  const setFields = (next: MappedField[]): void => onChange({ ...mapping, fields: next });
  const optionsId = `fields-of-${type}`;
  return (
    <>
      <Table.ScrollContainer minWidth={420} type="native">
        <Table verticalSpacing={6} aria-label={`Fields of ${type}`}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Field in Syncline</Table.Th>
              <Table.Th scope="col">Field in the app</Table.Th>
              <Table.Th scope="col">On the way</Table.Th>
              <Table.Th scope="col">
                <VisuallyHidden>Remove</VisuallyHidden>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {fields.map((field, index) => (
              <FieldRow
                // oxlint-disable-next-line react/no-array-index-key -- rows have no other identity
                key={index}
                field={field}
                mapping={mapping}
                recordTypes={recordTypes}
                optionsId={optionsId}
                isReadOnly={isReadOnly}
                onChange={(next) => setFields(fields.with(index, next))}
                onRemove={() => setFields(fields.toSpliced(index, 1))}
              />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <datalist id={optionsId}>
        {remoteType?.fields.map(({ name, label }) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </datalist>
      {!isReadOnly && (
        <Group>
          <Button
            size="xs"
            variant="default"
            leftSection={<Plus size={14} aria-hidden />}
            onClick={() => setFields([...fields, { name: '', to: '' }])}
          >
            Add field
          </Button>
        </Group>
      )}
    </>
  );
}

interface FieldRowProps extends Pick<MappingOfTypeProps, 'mapping' | 'recordTypes' | 'isReadOnly'> {
  field: MappedField;
  /** Of the list of the app's fields. */
  optionsId: string;
  onChange: (field: MappedField) => void;
  onRemove: () => void;
}

function FieldRow(props: FieldRowProps) {
  const { field, mapping, recordTypes, optionsId, isReadOnly, onChange, onRemove } = props;
  const [isOpen, setIsOpen] = useState(false);
  return (
    <Table.Tr>
      <Table.Td>
        {field.name === undefined ? (
          <Text size="sm">{field.names?.join(', ') ?? `always ${JSON.stringify(field.constant)}`}</Text>
        ) : (
          <TextInput
            aria-label="Field in Syncline"
            value={field.name}
            readOnly={isReadOnly}
            onChange={(event) => onChange({ ...field, name: event.currentTarget.value })}
          />
        )}
      </Table.Td>
      <Table.Td>
        <TextInput
          aria-label="Field in the app"
          value={field.to}
          readOnly={isReadOnly}
          list={optionsId}
          onChange={(event) => onChange({ ...field, to: event.currentTarget.value })}
        />
      </Table.Td>
      <Table.Td>
        <Group gap={4} wrap="nowrap">
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Settings of ${field.name ?? field.to}`}
            onClick={() => setIsOpen(true)}
          >
            <Settings2 size={16} aria-hidden />
          </ActionIcon>
          <Text size="sm">{summaryOf(field)}</Text>
        </Group>
        {isOpen && (
          <FieldSettings
            {...{ field, mapping, recordTypes, isReadOnly, onChange }}
            onClose={() => setIsOpen(false)}
          />
        )}
      </Table.Td>
      <Table.Td w={48}>
        {!isReadOnly && (
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove ${field.name ?? field.to}`}
            onClick={onRemove}
          >
            <Trash2 size={16} aria-hidden />
          </ActionIcon>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
