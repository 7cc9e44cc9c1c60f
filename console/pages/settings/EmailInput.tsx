import { TextInput } from '@mantine/core';

interface EmailInputProps {
  email: string;
  onChange: (email: string) => void;
}

export function EmailInput({ email, onChange }: EmailInputProps) {
  return (
    <TextInput
      label="E-mail"
      inputMode="email"
      required
      value={email}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
