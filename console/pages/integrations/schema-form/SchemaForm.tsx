/** A form for the values that a connector's JSON Schema describes. */
import { Select, Stack } from '@mantine/core';
import { useState } from 'react';
import { toWords } from '../../../common/formatting';
import { FreeFields } from './FreeFields';
import { alternativesOf, isFreeText, type JsonSchema } from './json-schema';
import type { SchemaFormProps } from './schema-form-props';
import { SchemaField } from './SchemaField';

export function SchemaForm(props: SchemaFormProps) {
  const alternatives = alternativesOf(props.schema);
  const [chosen, setChosen] = useState(0);
  const schema = alternatives[chosen] ?? props.schema;
  return (
    <Stack gap="sm">
      {alternatives.length > 1 && (
        <Select
          label="Authentication"
          allowDeselect={false}
          data={alternatives.map((one, index) => ({ value: String(index), label: nameOf(one) }))}
          value={String(chosen)}
          onChange={(value) => {
            setChosen(Number(value));
            props.onChange({});
          }}
        />
      )}
      {isFreeText(schema) ? <FreeFields {...props} /> : <NamedFields {...props} schema={schema} />}
    </Stack>
  );
}

const nameOf = ({ properties = {} }: JsonSchema): string =>
  Object.keys(properties).map(toWords).join(' and ') || 'none';

function NamedFields({ schema, drafts, onChange, errors, isSecret = false }: SchemaFormProps) {
  const required = new Set(schema.required);
  const names = Object.keys(schema.properties ?? {}).toSorted(
    (a, b) => Number(required.has(b)) - Number(required.has(a)),
  );
  return names.map((name) => (
    <SchemaField
      key={name}
      name={name}
      schema={schema.properties?.[name] ?? {}}
      draft={drafts[name]}
      error={errors[name]}
      isRequired={required.has(name)}
      isSecret={isSecret}
      onChange={(draft) => onChange({ ...drafts, [name]: draft })}
    />
  ));
}
