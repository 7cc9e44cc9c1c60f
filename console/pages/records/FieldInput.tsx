import { Select, Textarea, TextInput } from '@mantine/core';
import { kindOf } from './field-values';

interface FieldInputProps {
  label: string;
  /** The value before editing, which decides the kind of input. */
  before: unknown;
  draft: string;
  error: string | undefined;
  onEdit: (draft: string) => void;
}

export function FieldInput({ label, before, draft, error, onEdit }: FieldInputProps) {
  const kind = kindOf(before);
  if (kind === 'boolean')
    return (
      <Select
        aria-label={label}
        error={error}
        value={draft}
        data={['true', 'false']}
        allowDeselect={false}
        onChange={(value) => onEdit(value ?? 'false')}
      />
    );
  const props = {
    'aria-label': label,
    error,
    value: draft,
    onChange: (event: { currentTarget: { value: string } }) => onEdit(event.currentTarget.value),
  };
  return kind === 'json' || draft.length > 80 ? (
    <Textarea autosize maxRows={8} {...props} />
  ) : (
    <TextInput {...(kind === 'number' ? { inputMode: 'decimal' } : {})} {...props} />
  );
}
