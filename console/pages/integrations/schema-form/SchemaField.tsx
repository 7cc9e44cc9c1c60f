import { JsonInput, PasswordInput, Select, Switch, Textarea, TextInput } from '@mantine/core';
import { toText, toWords } from '../../../common/formatting';
import { type JsonSchema, lookOf } from './json-schema';

interface SchemaFieldProps {
  name: string;
  schema: JsonSchema;
  draft: string | undefined;
  error: string | undefined;
  isRequired: boolean;
  isSecret: boolean;
  onChange: (draft: string) => void;
}

/** An input that suits the schema of a field. Objects and lists are edited as JSON. */
export function SchemaField(props: SchemaFieldProps) {
  const { schema, isSecret, onChange } = props;
  const shared = { ...labelling(props), value: props.draft ?? '' };
  const look = lookOf(schema);
  if (isSecret) return <SecretField {...props} />;
  if (look === 'choice') return <ChoiceField {...props} />;
  if (look === 'boolean') return <BooleanField {...props} />;
  if (look === 'json')
    return <JsonInput {...shared} minRows={3} maxRows={16} placeholder="{}" onChange={onChange} />;
  const change = (event: { currentTarget: { value: string } }): void => onChange(event.currentTarget.value);
  if ((schema.maxLength ?? 0) > 10_000)
    return <Textarea {...shared} autosize minRows={3} maxRows={10} onChange={change} />;
  return (
    <TextInput
      {...shared}
      placeholder={placeholderOf(schema)}
      {...(look === 'number' ? { inputMode: 'numeric' as const } : {})}
      onChange={change}
    />
  );
}

const labelling = ({ name, schema, error, isRequired }: SchemaFieldProps) => ({
  label: toWords(name),
  description: schema.description,
  required: isRequired,
  error,
});

const placeholderOf = ({ default: value }: JsonSchema): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? toText(value) : undefined;

function SecretField(props: SchemaFieldProps) {
  return (
    <PasswordInput
      {...labelling(props)}
      value={props.draft ?? ''}
      autoComplete="off"
      onChange={(event) => props.onChange(event.currentTarget.value)}
      visibilityToggleButtonProps={{ 'aria-label': `Show or hide ${toWords(props.name)}`, tabIndex: 0 }}
    />
  );
}

function ChoiceField(props: SchemaFieldProps) {
  return (
    <Select
      {...labelling(props)}
      value={props.draft ?? null}
      data={(props.schema.enum ?? []).map(String)}
      placeholder={placeholderOf(props.schema)}
      clearable={!props.isRequired}
      onChange={(value) => props.onChange(value ?? '')}
    />
  );
}

function BooleanField({ name, schema, draft, error, onChange }: SchemaFieldProps) {
  return (
    <Switch
      label={toWords(name)}
      description={schema.description}
      error={error}
      checked={(draft ?? toText(schema.default ?? false)) === 'true'}
      onChange={(event) => onChange(String(event.currentTarget.checked))}
    />
  );
}
