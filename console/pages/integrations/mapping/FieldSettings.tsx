import { Button, Checkbox, Group, Modal, Select, Stack } from '@mantine/core';
import { FieldReference } from './FieldReference';
import type { Mapping } from './mapping-props';
import type { MappedField } from './transform-steps';
import { TransformSteps } from './TransformSteps';

interface FieldSettingsProps {
  field: MappedField;
  mapping: Mapping;
  /** Those that the integration maps. */
  recordTypes: readonly string[];
  isReadOnly: boolean;
  onChange: (field: MappedField) => void;
  onClose: () => void;
}

const DIRECTIONS = [
  { value: 'push', label: 'Syncline: the field is never read' },
  { value: 'pull', label: 'The app: the field is never sent' },
];
const WINNERS = [
  { value: 'ours', label: 'Syncline wins' },
  { value: 'theirs', label: 'The app wins' },
];

/** How one field is changed on its way, and which side owns it. */
export function FieldSettings(props: FieldSettingsProps) {
  const { field, mapping, recordTypes, isReadOnly, onChange, onClose } = props;
  const { direction } = mapping;
  return (
    <Modal opened onClose={onClose} size="lg" title={`Settings of ${field.name ?? field.to}`}>
      <Stack>
        {direction !== 'pull' && field.direction !== 'pull' && (
          <Checkbox
            label="Send only when the record is created in the app"
            checked={field.only_on_create === true}
            disabled={isReadOnly}
            onChange={({ currentTarget: { checked } }) => {
              const { only_on_create: _before, ...rest } = field;
              onChange(checked ? { ...rest, only_on_create: true } : rest);
            }}
          />
        )}
        {direction === 'both' && <Owner field={field} isReadOnly={isReadOnly} onChange={onChange} />}
        <FieldReference {...{ field, mapping, recordTypes, isReadOnly, onChange }} />
        {field.ref === undefined && <TransformSteps {...{ field, isReadOnly, onChange }} />}
        <Group justify="flex-end">
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Owner({
  field,
  isReadOnly,
  onChange,
}: Pick<FieldSettingsProps, 'field' | 'isReadOnly' | 'onChange'>) {
  const { direction, on_conflict: winner, ...rest } = field;
  return (
    <Group align="flex-start">
      <Select
        label="Owner"
        placeholder="Both sides change it"
        w={290}
        clearable
        data={DIRECTIONS}
        value={direction ?? null}
        readOnly={isReadOnly}
        onChange={(value) => onChange(value === null ? rest : { ...rest, direction: value as 'push' })}
      />
      {direction === undefined && (
        <Select
          label="When both sides change it"
          placeholder="As the record type"
          clearable
          data={WINNERS}
          value={winner ?? null}
          readOnly={isReadOnly}
          onChange={(value) => onChange(value === null ? rest : { ...rest, on_conflict: value as 'ours' })}
        />
      )}
    </Group>
  );
}
