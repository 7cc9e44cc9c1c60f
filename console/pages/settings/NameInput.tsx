import { TextInput } from '@mantine/core';

interface NameInputProps {
  name: string;
  description?: string;
  onChange: (name: string) => void;
}

/** The first input of a form that creates something with a name. */
export function NameInput({ name, onChange, ...props }: NameInputProps) {
  return (
    <TextInput
      label="Name"
      required
      data-autofocus
      value={name}
      onChange={(event) => onChange(event.currentTarget.value)}
      {...props}
    />
  );
}
