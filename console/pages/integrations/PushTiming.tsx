import { Group, NumberInput, Select } from '@mantine/core';

/** As a number input has it: empty while nothing is entered. */
export type Minutes = number | string;
export const toMs = (minutes: Minutes): number => Math.round(Number(minutes) * 60_000);

interface GracePeriodInputProps {
  value: Minutes;
  isReadOnly?: boolean;
  onChange: (minutes: Minutes) => void;
}

export function GracePeriodInput({ value, isReadOnly = false, onChange }: GracePeriodInputProps) {
  return (
    <NumberInput
      label="Grace period in minutes"
      description="Wait this long after the last change before pushing. 0 pushes immediately."
      min={0}
      max={1_440}
      decimalScale={2}
      required
      value={value}
      readOnly={isReadOnly}
      onChange={onChange}
    />
  );
}

export type InitialPush = 'all' | 'none';

const INITIAL_PUSH_CHOICES = [
  { value: 'all', label: 'Push all eligible records' },
  { value: 'none', label: 'Push only future changes' },
];

interface InitialPushInputProps {
  value: InitialPush;
  onChange: (value: InitialPush) => void;
}

export function InitialPushInput({ value, onChange }: InitialPushInputProps) {
  return (
    <Select
      label="Existing records"
      description="Runs once, at lower priority than user edits."
      allowDeselect={false}
      data={INITIAL_PUSH_CHOICES}
      value={value}
      onChange={(chosen) => onChange(chosen === 'none' ? 'none' : 'all')}
    />
  );
}

interface PushTimingProps {
  grace: Minutes;
  wait: Minutes;
  isReadOnly: boolean;
  onChange: (change: { grace?: Minutes; wait?: Minutes }) => void;
}

/** When a changed record is pushed. */
export function PushTiming({ grace, wait, isReadOnly, onChange }: PushTimingProps) {
  return (
    <Group align="flex-start" grow>
      <GracePeriodInput
        value={grace}
        isReadOnly={isReadOnly}
        onChange={(value) => onChange({ grace: value })}
      />
      <NumberInput
        label="Maximum wait in minutes"
        description="Push this long after the first change at the latest. Leave empty for no limit."
        min={0}
        decimalScale={2}
        value={wait}
        readOnly={isReadOnly}
        onChange={(value) => onChange({ wait: value })}
      />
    </Group>
  );
}
