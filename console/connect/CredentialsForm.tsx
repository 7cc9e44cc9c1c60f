import { Alert, Button, PasswordInput, SegmentedControl, Stack, Textarea, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { asProblem, type Problem } from '../api/client';
import {
  type ConnectedApp,
  type ConnectView,
  type CredentialField,
  giveCredentials,
  readSession,
} from './calls';

interface CredentialsFormProps {
  session: ConnectView;
  app: ConnectedApp;
  onDone: (view: ConnectView) => void;
}

/** Sends what the person entered. The app has to accept it before anything is stored. */
export function CredentialsForm({ session, app, onDone }: CredentialsFormProps) {
  const [chosen, setChosen] = useState(0);
  const [values, setValues] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);
  const fields = app.forms[chosen] ?? [];

  const send = async (): Promise<void> => {
    setSending(true);
    setProblem(undefined);
    const given = Object.fromEntries(fields.map(({ name }) => [name, values[name] ?? '']));
    try {
      onDone(await giveCredentials(session.id, given));
    } catch (error) {
      const found = asProblem(error);
      setProblem(found);
      if (found.code === 'connect_session_ended') onDone(await readSession(session.id));
    } finally {
      setSending(false);
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void send();
  };
  return (
    <form onSubmit={submit} autoComplete="off">
      <Stack>
        {app.forms.length > 1 && <Ways forms={app.forms} chosen={chosen} onChoose={setChosen} />}
        {fields.map((field) => (
          <Field
            key={field.name}
            field={field}
            value={values[field.name] ?? ''}
            error={problem?.errors.find(({ pointer }) => pointer === `/credentials/${field.name}`)?.message}
            onChange={(value) => setValues({ ...values, [field.name]: value })}
          />
        ))}
        {problem !== undefined && (
          <Alert color="red" variant="light" role="alert" title={problem.title}>
            {problem.detail}
          </Alert>
        )}
        <Button type="submit" loading={isSending}>
          Connect and check
        </Button>
      </Stack>
    </form>
  );
}

interface WaysProps {
  forms: CredentialField[][];
  chosen: number;
  onChoose: (index: number) => void;
}

function Ways({ forms, chosen, onChoose }: WaysProps) {
  return (
    <SegmentedControl
      aria-label="How to sign in"
      value={String(chosen)}
      onChange={(value) => onChoose(Number(value))}
      data={forms.map((fields, index) => ({
        value: String(index),
        label: fields.map(({ label }) => label).join(' and '),
      }))}
    />
  );
}

interface FieldProps {
  field: CredentialField;
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
}

function Field({ field, value, error, onChange }: FieldProps) {
  const shared = {
    label: field.label,
    description: field.help ?? undefined,
    required: true,
    value,
    error,
    onChange: (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value),
  };
  if (field.is_long)
    return <Textarea {...shared} autosize minRows={3} maxRows={10} autoComplete="off" spellCheck={false} />;
  return field.is_secret ? (
    <PasswordInput {...shared} autoComplete="off" />
  ) : (
    <TextInput {...shared} autoComplete="off" spellCheck={false} />
  );
}
