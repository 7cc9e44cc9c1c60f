/** The steps that turn the value in Syncline into the value in the app. */
import { ActionIcon, Button, Group, Paper, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import {
  type MappedField,
  STEP_KINDS,
  type StepSetting,
  textOf,
  type TransformStep,
  withSetting,
} from './transform-steps';

interface TransformStepsProps {
  field: MappedField;
  isReadOnly: boolean;
  onChange: (field: MappedField) => void;
}

export function TransformSteps({ field, isReadOnly, onChange }: TransformStepsProps) {
  const { transform: steps = [] } = field;
  const [removals, setRemovals] = useState(0);
  const setSteps = (next: TransformStep[]): void => {
    const { transform: _before, ...rest } = field;
    onChange(next.length === 0 ? rest : { ...rest, transform: next });
  };
  return (
    <>
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
      {!isReadOnly && (field.type ?? field.values ?? field.constant) === undefined && (
        <Group>
          <Button
            size="xs"
            variant="default"
            leftSection={<Plus size={14} aria-hidden />}
            onClick={() => setSteps([...steps, STEP_KINDS.trim.initial])}
          >
            Add step
          </Button>
        </Group>
      )}
    </>
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
