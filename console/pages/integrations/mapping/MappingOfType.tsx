import { Group, Select } from '@mantine/core';
import { toWords } from '../../../common/formatting';
import { Section } from '../../../common/Section';
import type { Mapping, MappingOfTypeProps } from './mapping-props';
import { MappingFields } from './MappingFields';

const DIRECTION_CHOICES = [
  { value: 'push', label: 'Push: changes go to the app' },
  { value: 'pull', label: 'Import: records come from the app' },
  { value: 'both', label: 'Both directions' },
];
const DELETE_CHOICES = [
  { value: 'deactivate', label: 'Deactivate it in the app' },
  { value: 'delete', label: 'Delete it in the app' },
  { value: 'leave', label: 'Leave it in the app' },
];
const CONFLICT_CHOICES = [
  { value: 'ours', label: 'Syncline wins' },
  { value: 'theirs', label: 'The app wins' },
];

/** The mapping of one record type: direction, policies and fields. */
export function MappingOfType(props: MappingOfTypeProps) {
  const { type, mapping, remoteType } = props;
  const filter = describeFilter(mapping);
  return (
    <Section
      title={remoteType?.label ?? toWords(type)}
      hint={filter === '' ? undefined : `Only records where ${filter}.`}
    >
      <Group align="flex-start">
        <Direction {...props} />
        {mapping.direction !== 'pull' && <DeletePolicy {...props} />}
        {mapping.direction === 'both' && <ConflictPolicy {...props} />}
        {mapping.direction !== 'push' && <MatchBy {...props} />}
      </Group>
      <MappingFields {...props} />
    </Section>
  );
}

const describeFilter = ({ filter = {} }: Mapping): string =>
  Object.entries(filter)
    .map(([name, values]) => `${toWords(name)} is ${values.join(' or ')}`)
    .join(', ');

function Direction({ mapping, isReadOnly, onChange }: MappingOfTypeProps) {
  return (
    <Select
      label="Direction"
      w={290}
      data={DIRECTION_CHOICES}
      value={mapping.direction ?? 'push'}
      allowDeselect={false}
      readOnly={isReadOnly}
      onChange={(value) => onChange({ ...mapping, direction: value as 'push' })}
    />
  );
}

function DeletePolicy({ mapping, isReadOnly, onChange }: MappingOfTypeProps) {
  return (
    <Select
      label="When a record is deleted in Syncline"
      data={DELETE_CHOICES}
      value={mapping.on_delete}
      allowDeselect={false}
      readOnly={isReadOnly}
      onChange={(value) => onChange({ ...mapping, on_delete: value as 'leave' })}
    />
  );
}

function ConflictPolicy({ mapping, isReadOnly, onChange }: MappingOfTypeProps) {
  return (
    <Select
      label="When both sides change a field"
      data={CONFLICT_CHOICES}
      value={mapping.on_conflict ?? 'ours'}
      allowDeselect={false}
      readOnly={isReadOnly}
      onChange={(value) => onChange({ ...mapping, on_conflict: value as 'ours' })}
    />
  );
}

function MatchBy({ mapping, isReadOnly, onChange }: MappingOfTypeProps) {
  return (
    <Select
      label="Match existing records by"
      placeholder="No matching"
      clearable
      data={(mapping.fields ?? []).flatMap(({ name }) => (name === undefined ? [] : [name]))}
      value={mapping.match_by ?? null}
      readOnly={isReadOnly}
      clearButtonProps={{ 'aria-label': 'No matching' }}
      onChange={(value) => {
        const { match_by: _before, match_ignore_case: ignoreCase, ...rest } = mapping;
        const kept = ignoreCase === undefined ? {} : { match_ignore_case: ignoreCase };
        onChange(value === null ? rest : { ...rest, ...kept, match_by: value });
      }}
    />
  );
}
