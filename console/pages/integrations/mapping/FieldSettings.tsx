import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  Modal,
  Paper,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { Mapping } from './mapping-props';
import {
  type MappedField,
  STEP_KINDS,
  type StepSetting,
  textOf,
  type TransformStep,
  withSetting,
} from './transform-steps';

interface FieldSettingsProps {
  field: MappedField;
  direction: Mapping['direction'];
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
export function FieldSettings({ field, direction, isReadOnly, onChange, onClose }: FieldSettingsProps) {
  const isBoth = direction === 'both';
  const { transform: steps = [] } = field;
  const [removals, setRemovals] = useState(0);
  const setSteps = (next: TransformStep[]): void => {
    const { transform: _before, ...rest } = field;
    onChange(next.length === 0 ? rest : { ...rest, transform: next });
  };
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
        {isBoth && <Owner field={field} isReadOnly={isReadOnly} onChange={onChange} />}
        <Text size="sm" c="dimmed">
          The steps turn the value in Syncline into the value in the app, in this order. What is read goes
          through them backwards.
        </Text>
        {steps.map((step, index) => (
          <Step
            // A step that moves up shows its own settings, not those typed at its place before.
            // oxlint-disable-next-line react/no-array-index-key -- steps have no other identity
            key={`${removals} ${index}`}
            number={index + 1}
            step={step}
            isReadOnly={isReadOnly}
            onChange={(next) => setSteps(steps.with(index, next))}
            onRemove={() => {
              setRemovals(removals + 1);
              setSteps(steps.toSpliced(index, 1));
            }}
          />
        ))}
        <Group justify="space-between">
          {isReadOnly || (field.type ?? field.values ?? field.constant) !== undefined ? (
            <span />
          ) : (
            <Button
              size="xs"
              variant="default"
              leftSection={<Plus size={14} aria-hidden />}
              onClick={() => setSteps([...steps, STEP_KINDS.trim.initial])}
            >
              Add step
            </Button>
          )}
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

interface StepProps {
  number: number;
  step: TransformStep;
  isReadOnly: boolean;
  onChange: (step: TransformStep) => void;
  onRemove: () => void;
}

function Step({ number, step, isReadOnly, onChange, onRemove }: StepProps) {
  const { settings } = STEP_KINDS[step.type];
  return (
    <Paper withBorder p="sm" component="fieldset" aria-label={`Step ${number}`}>
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap">
          <Select
            aria-label={`Step ${number}`}
            w={290}
            data={Object.entries(STEP_KINDS).map(([value, { label }]) => ({ value, label }))}
            value={step.type}
            allowDeselect={false}
            readOnly={isReadOnly}
            onChange={(value) => onChange(STEP_KINDS[value as TransformStep['type']].initial)}
          />
          {!isReadOnly && (
            <ActionIcon variant="subtle" color="gray" aria-label={`Remove step ${number}`} onClick={onRemove}>
              <Trash2 size={16} aria-hidden />
            </ActionIcon>
          )}
        </Group>
        <Group align="flex-start">
          {settings.map((setting) => (
            <Setting key={`${step.type} ${setting.name}`} {...{ setting, step, isReadOnly, onChange }} />
          ))}
        </Group>
      </Stack>
    </Paper>
  );
}

/** Keeps what is typed: the step holds its value only. */
function Setting({
  setting,
  step,
  isReadOnly,
  onChange,
}: Pick<StepProps, 'step' | 'isReadOnly' | 'onChange'> & { setting: StepSetting }) {
  const [typed, setTyped] = useState(textOf(setting, step));
  const { label, kind, options = [] } = setting;
  const change = (text: string): void => {
    setTyped(text);
    onChange(withSetting(step, setting, text));
  };
  if (kind === 'choice')
    return (
      <Select
        label={label}
        data={[...options]}
        value={typed}
        allowDeselect={false}
        readOnly={isReadOnly}
        onChange={(value) => change(value ?? '')}
      />
    );
  const shared = { label, value: typed, readOnly: isReadOnly };
  return kind === 'values' ? (
    <Textarea
      {...shared}
      autosize
      minRows={3}
      w="100%"
      onChange={(event) => change(event.currentTarget.value)}
    />
  ) : (
    <TextInput {...shared} onChange={(event) => change(event.currentTarget.value)} />
  );
}
