/** Fields for what a connector's schema describes. Structures within are edited as JSON. */
import {
  Button,
  Group,
  JsonInput,
  PasswordInput,
  Select,
  Stack,
  Switch,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useState } from 'react';
import { ActionButton } from '../../common/ActionButton';
import { toText, toWords } from '../../common/formatting';
import { alternativesOf, type Drafts, isFreeText, type JsonSchema, lookOf } from './json-schema';

interface SchemaFormProps {
  schema: JsonSchema;
  drafts: Drafts;
  onChange: (drafts: Drafts) => void;
  /** By field name. */
  errors: Record<string, string>;
  /** Values are not shown while they are typed. */
  isSecret?: boolean;
}

export function SchemaForm(props: SchemaFormProps) {
  const alternatives = alternativesOf(props.schema);
  const [chosen, choose] = useState(0);
  const schema = alternatives[chosen] ?? props.schema;
  return (
    <Stack gap="sm">
      {alternatives.length > 1 && (
        <Select
          label="With"
          allowDeselect={false}
          data={alternatives.map((one, index) => ({
            value: String(index),
            label:
              Object.keys(one.properties ?? {})
                .map(toWords)
                .join(' and ') || 'none',
          }))}
          value={String(chosen)}
          onChange={(value) => {
            choose(Number(value));
            props.onChange({});
          }}
        />
      )}
      {isFreeText(schema) ? <FreeFields {...props} /> : <NamedFields {...props} schema={schema} />}
    </Stack>
  );
}

function NamedFields({ schema, drafts, onChange, errors, isSecret = false }: SchemaFormProps) {
  const required = new Set(schema.required);
  const names = Object.keys(schema.properties ?? {}).toSorted(
    (a, b) => Number(required.has(b)) - Number(required.has(a)),
  );
  return names.map((name) => {
    const field = schema.properties?.[name] ?? {};
    const props = {
      label: toWords(name),
      description: field.description,
      required: required.has(name),
      error: errors[name],
      value: drafts[name] ?? '',
    };
    const set = (value: string): void => onChange({ ...drafts, [name]: value });
    const placeholder = ['string', 'number'].includes(typeof field.default)
      ? toText(field.default)
      : undefined;
    const look = lookOf(field);
    if (isSecret) {
      return (
        <PasswordInput
          key={name}
          {...props}
          autoComplete="off"
          onChange={(event) => set(event.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': `Show or hide ${toWords(name)}`, tabIndex: 0 }}
        />
      );
    }
    if (look === 'choice')
      return (
        <Select
          key={name}
          {...props}
          value={drafts[name] ?? null}
          data={(field.enum ?? []).map(String)}
          placeholder={placeholder}
          clearable={!required.has(name)}
          onChange={(value) => set(value ?? '')}
        />
      );
    if (look === 'boolean')
      return (
        <Switch
          key={name}
          label={props.label}
          description={field.description}
          error={errors[name]}
          checked={(drafts[name] ?? toText(field.default ?? false)) === 'true'}
          onChange={(event) => set(String(event.currentTarget.checked))}
        />
      );
    if (look === 'json')
      return <JsonInput key={name} {...props} minRows={3} maxRows={16} placeholder="{}" onChange={set} />;
    const change = (event: { currentTarget: { value: string } }): void => set(event.currentTarget.value);
    if ((field.maxLength ?? 0) > 10_000)
      return <Textarea key={name} {...props} autosize minRows={3} maxRows={10} onChange={change} />;
    return (
      <TextInput
        key={name}
        {...props}
        placeholder={placeholder}
        {...(look === 'number' ? { inputMode: 'numeric' as const } : {})}
        onChange={change}
      />
    );
  });
}

/** Names are free: a row for each. */
function FreeFields({ drafts, onChange, errors, isSecret }: SchemaFormProps) {
  const [name, setName] = useState('');
  const add = (): void => {
    onChange({ ...drafts, [name.trim()]: '' });
    setName('');
  };
  const Input = isSecret ? PasswordInput : TextInput;
  return (
    <Stack gap="sm">
      {Object.keys(drafts).map((key) => (
        <Group key={key} align="flex-end" gap="xs" wrap="nowrap">
          <Input
            label={key}
            flex={1}
            autoComplete="off"
            error={errors[key]}
            value={drafts[key] ?? ''}
            onChange={(event) => onChange({ ...drafts, [key]: event.currentTarget.value })}
          />
          <Button
            variant="default"
            onClick={() =>
              onChange(Object.fromEntries(Object.entries(drafts).filter(([other]) => other !== key)))
            }
          >
            Remove
          </Button>
        </Group>
      ))}
      <Group align="flex-end" gap="xs">
        <TextInput
          label="Name of a credential"
          placeholder="token"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <ActionButton
          variant="default"
          refusal={
            name.trim() === '' ? 'Name it first.' : name in drafts ? 'It is there already.' : undefined
          }
          onClick={add}
        >
          Add
        </ActionButton>
      </Group>
    </Stack>
  );
}
