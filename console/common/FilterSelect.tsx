import { Select } from '@mantine/core';

interface FilterSelectProps<Value extends string> {
  label: string;
  /** Shown while nothing is chosen, such as `Any`. */
  placeholder?: string;
  w?: number | { base: string; sm: number };
  choices: readonly { value: Value; label: string }[];
  value: Value | undefined;
  onChange: (value: Value | undefined) => void;
}

/** A filter of a list. Choosing nothing shows all. */
export function FilterSelect<Value extends string>({
  label,
  placeholder = 'Any',
  w = 220,
  choices,
  value,
  onChange,
}: FilterSelectProps<Value>) {
  return (
    <Select
      label={label}
      placeholder={placeholder}
      clearable
      w={w}
      data={[...choices]}
      value={value ?? null}
      onChange={(chosen) => onChange(choices.find((one) => one.value === chosen)?.value)}
      clearButtonProps={{ 'aria-label': `${placeholder} ${label.toLowerCase()}` }}
    />
  );
}
