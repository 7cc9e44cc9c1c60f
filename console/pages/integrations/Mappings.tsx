/** Which fields go where. Before a change is made, it is said how many records it touches (rules.md 15). */
import {
  ActionIcon,
  Button,
  Group,
  Modal,
  Select,
  Stack,
  Table,
  Text,
  TextInput,
  VisuallyHidden,
} from '@mantine/core';
import { Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { Section } from '../../common/Section';
import { Empty, ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';
import { plural, toWords } from '../../common/formatting';
import { useRefusal } from '../../session/session';
import { useIntegrationChange } from './use-change';

type MappingsView = Schemas['Integration']['record_types'];
type Mapping = MappingsView[string];

const DIRECTION_CHOICES = [
  { value: 'push', label: 'Push: our changes go there' },
  { value: 'pull', label: 'Pull: their records are read' },
  { value: 'both', label: 'Both ways' },
];
const DELETE_CHOICES = [
  { value: 'deactivate', label: 'deactivate it there' },
  { value: 'delete', label: 'delete it there' },
  { value: 'leave', label: 'leave it there' },
];

export function Mappings({ integration, etag }: { integration: Schemas['Integration']; etag: string }) {
  const [mappings, setMappings] = useState<MappingsView>(integration.record_types);
  const [preview, setPreview] = useState<Schemas['MappingPreview']>();
  const [newType, setNewType] = useState('');
  const refusal = useRefusal('admin');
  const isChanged = JSON.stringify(mappings) !== JSON.stringify(integration.record_types);
  const save = useIntegrationChange({ integration, etag, onDone: () => setPreview(undefined) });
  const look = useAction({
    run: () =>
      answerOf(
        api.PATCH('/v1/integrations/{integration_id}', {
          params: {
            path: { integration_id: integration.id },
            query: { dry_run: 'true' },
            header: { 'If-Match': etag },
          },
          body: { record_types: mappings },
        }),
      ),
    isQuiet: true,
    onDone: (answer) => setPreview(answer.preview ?? undefined),
  });
  const set = (type: string, mapping: Mapping): void => setMappings({ ...mappings, [type]: mapping });
  const missing = integration.remote_record_types
    .map(({ name }) => name)
    .filter((name) => !(name in mappings));

  return (
    <Stack>
      {look.error ? <ProblemView error={look.error} /> : null}
      {Object.keys(mappings).length === 0 && (
        <Empty title="Nothing is mapped">Add a record type, then the fields that go there.</Empty>
      )}
      {Object.entries(mappings).map(([type, mapping]) => (
        <MappingOfType
          key={type}
          type={type}
          mapping={mapping}
          known={integration.remote_record_types.find(({ name }) => name === type)}
          isReadOnly={refusal !== undefined}
          onChange={(next) => set(type, next)}
        />
      ))}
      <Group justify="space-between" align="flex-end">
        <Group align="flex-end" gap="xs">
          <Select
            label="Another record type"
            placeholder={missing.length === 0 ? 'All are mapped' : 'Choose'}
            data={missing}
            value={newType || null}
            onChange={(value) => setNewType(value ?? '')}
            disabled={missing.length === 0}
          />
          <ActionButton
            variant="default"
            leftSection={<Plus size={14} aria-hidden />}
            refusal={refusal ?? (newType === '' ? 'Choose a record type first.' : undefined)}
            onClick={() => {
              set(newType, { fields: [], direction: 'push', on_delete: 'leave' });
              setNewType('');
            }}
          >
            Add
          </ActionButton>
        </Group>
        <Group gap="xs">
          <ActionButton
            variant="default"
            refusal={isChanged ? undefined : 'Nothing is changed yet.'}
            onClick={() => setMappings(integration.record_types)}
          >
            Undo
          </ActionButton>
          <ActionButton
            loading={look.isPending}
            refusal={refusal ?? (isChanged ? undefined : 'Nothing is changed yet.')}
            onClick={() => look.mutate()}
          >
            See what it touches
          </ActionButton>
        </Group>
      </Group>
      <Modal opened={preview !== undefined} onClose={() => setPreview(undefined)} title="Change the mapping?">
        <Stack>
          {save.error && <ProblemView error={save.error} />}
          <Text>
            {plural(preview?.records_touched ?? 0, 'record')} would be sent anew, of{' '}
            {plural(preview?.records_examined ?? 0, 'record')} looked at
            {preview?.is_complete === false ? ' (there are more; so many were looked at)' : ''}. Changes that
            wait already keep their time.
          </Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setPreview(undefined)}>
              Cancel
            </Button>
            <ActionButton loading={save.isPending} onClick={() => save.mutate({ record_types: mappings })}>
              Change the mapping
            </ActionButton>
          </Group>
        </Stack>
      </Modal>
    </Stack>
  );
}

interface MappingOfTypeProps {
  type: string;
  mapping: Mapping;
  known: Schemas['RecordType'] | undefined;
  isReadOnly: boolean;
  onChange: (mapping: Mapping) => void;
}

function MappingOfType({ type, mapping, known, isReadOnly, onChange }: MappingOfTypeProps) {
  const fields = mapping.fields ?? [];
  const setField = (index: number, change: object): void =>
    onChange({
      ...mapping,
      fields: fields.map((field, at) => (at === index ? { ...field, ...change } : field)),
    });
  const filter =
    mapping.filter === undefined
      ? ''
      : Object.entries(mapping.filter)
          .map(([name, values]) => `${toWords(name)} is ${values.join(' or ')}`)
          .join(', ');
  return (
    <Section title={known?.label ?? toWords(type)} hint={filter === '' ? undefined : `Only where ${filter}.`}>
      <Group align="flex-start">
        <Select
          label="Direction"
          w={260}
          data={DIRECTION_CHOICES}
          value={mapping.direction ?? 'push'}
          allowDeselect={false}
          readOnly={isReadOnly}
          onChange={(value) => onChange({ ...mapping, direction: value as 'push' })}
        />
        {mapping.direction !== 'pull' && (
          <Select
            label="When a record is deleted here"
            data={DELETE_CHOICES}
            value={mapping.on_delete}
            allowDeselect={false}
            readOnly={isReadOnly}
            onChange={(value) => onChange({ ...mapping, on_delete: value as 'leave' })}
          />
        )}
        {mapping.direction === 'both' && (
          <Select
            label="Changed on both sides"
            data={[
              { value: 'ours', label: 'ours wins' },
              { value: 'theirs', label: 'theirs wins' },
            ]}
            value={mapping.on_conflict ?? 'ours'}
            allowDeselect={false}
            readOnly={isReadOnly}
            onChange={(value) => onChange({ ...mapping, on_conflict: value as 'ours' })}
          />
        )}
        {mapping.direction !== 'push' && (
          <Select
            label="Matched by"
            placeholder="Not matched"
            clearable
            data={fields.flatMap(({ name }) => (name === undefined ? [] : [name]))}
            value={mapping.match_by ?? null}
            readOnly={isReadOnly}
            clearButtonProps={{ 'aria-label': 'Do not match' }}
            onChange={(value) => {
              const { match_by: _before, ...rest } = mapping;
              onChange(value === null ? rest : { ...rest, match_by: value });
            }}
          />
        )}
      </Group>
      <Table.ScrollContainer minWidth={420} type="native">
        <Table verticalSpacing={6} aria-label={`Fields of ${type}`}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Our field</Table.Th>
              <Table.Th scope="col">Their field</Table.Th>
              <Table.Th scope="col">
                <VisuallyHidden>Remove</VisuallyHidden>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {fields.map((field, index) => (
              // oxlint-disable-next-line react/no-array-index-key -- rows have no other identity while they are edited
              <Table.Tr key={index}>
                <Table.Td>
                  {field.name === undefined ? (
                    <Text size="sm">always {JSON.stringify(field.constant)}</Text>
                  ) : (
                    <TextInput
                      aria-label="Our field"
                      value={field.name}
                      readOnly={isReadOnly}
                      onChange={(event) => setField(index, { name: event.currentTarget.value })}
                    />
                  )}
                </Table.Td>
                <Table.Td>
                  <TextInput
                    aria-label="Their field"
                    value={field.to}
                    readOnly={isReadOnly}
                    list={`fields-of-${type}`}
                    onChange={(event) => setField(index, { to: event.currentTarget.value })}
                  />
                </Table.Td>
                <Table.Td w={48}>
                  {!isReadOnly && (
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      aria-label={`Remove ${field.name ?? field.to}`}
                      onClick={() =>
                        onChange({ ...mapping, fields: fields.filter((_field, at) => at !== index) })
                      }
                    >
                      <Trash2 size={16} aria-hidden />
                    </ActionIcon>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <datalist id={`fields-of-${type}`}>
        {known?.fields.map(({ name, label }) => (
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
            onClick={() => onChange({ ...mapping, fields: [...fields, { name: '', to: '' }] })}
          >
            Add a field
          </Button>
        </Group>
      )}
    </Section>
  );
}
