/** Whether a field names another record, and what happens while the other side does not have that record. */
import { List, Select, Stack } from '@mantine/core';
import { toWords } from '../../../common/formatting';
import type { Mapping } from './mapping-props';
import type { MappedField } from './transform-steps';

interface FieldReferenceProps {
  field: MappedField;
  mapping: Mapping;
  /** Those that the integration maps: a field can refer to no other. */
  recordTypes: readonly string[];
  isReadOnly: boolean;
  onChange: (field: MappedField) => void;
}

const ID_TYPES = [
  { value: 'string', label: 'Text' },
  { value: 'number', label: 'Number' },
];

export function FieldReference({ field, mapping, recordTypes, isReadOnly, onChange }: FieldReferenceProps) {
  const { ref, type, ...rest } = field;
  if (field.name === undefined) return null;
  const refer = (recordType: string | null): void =>
    onChange(
      recordType === null
        ? rest
        : { ...rest, ...(type === 'number' ? { type } : {}), ref: { record_type: recordType } },
    );
  const refusal = ref === undefined ? whyNot(field, mapping) : undefined;
  return (
    <Stack gap="xs">
      <Select
        label="Refers to"
        description={refusal ?? 'For a field with the id of another record, such as a manager or a company.'}
        placeholder="No other record"
        clearable
        disabled={refusal !== undefined}
        data={[...new Set([...recordTypes, ...(ref === undefined ? [] : [ref.record_type])])].map(
          (value) => ({
            value,
            label: toWords(value),
          }),
        )}
        value={ref?.record_type ?? null}
        readOnly={isReadOnly}
        clearButtonProps={{ 'aria-label': 'No other record' }}
        onChange={refer}
      />
      {ref !== undefined && (
        <>
          <Select
            label="The id in the app is a"
            w={290}
            data={ID_TYPES}
            value={type ?? 'string'}
            allowDeselect={false}
            readOnly={isReadOnly}
            onChange={(value) => onChange({ ...rest, ref, ...(value === 'number' ? { type: value } : {}) })}
          />
          <List size="sm" aria-label="While the record is missing">
            {consequences(field, mapping).map((text) => (
              <List.Item key={text}>{text}</List.Item>
            ))}
          </List>
        </>
      )}
    </Stack>
  );
}

function whyNot({ name, values, transform, constant }: MappedField, mapping: Mapping): string | undefined {
  if (name === mapping.match_by) return 'Existing records are matched by this field: it cannot refer to one.';
  if (values !== undefined) return 'The field exchanges its values by a list: it cannot refer to a record.';
  if (transform !== undefined) return 'Remove the steps first: a field with steps cannot refer to a record.';
  return constant === undefined ? undefined : 'A constant cannot refer to a record.';
}

/** docs/connectors/references.md in short. */
function consequences(field: MappedField, { direction }: Mapping): string[] {
  const isSent = direction !== 'pull' && field.direction !== 'pull';
  const isRead = direction !== 'push' && field.direction !== 'push';
  return [
    ...(isSent
      ? [
          'Sent: the app gets its own id of the record. While it does not have the record, the push waits.',
          'If nothing sends the record to the app, the push fails at this field. It is repeated by itself ' +
            'once the app has the record.',
          field.only_on_create === true
            ? 'Of records that refer to each other in a circle, the first is created without this field, and ' +
              'never gets it: it is sent only at the creation.'
            : 'Of records that refer to each other in a circle, the first goes out without this field. A second ' +
              'push sets it.',
        ]
      : []),
    ...(isRead
      ? [
          'Read: Syncline stores its own id of the record. While it does not have the record, the field keeps ' +
            'its value, and changes once the record arrives.',
        ]
      : []),
  ];
}
