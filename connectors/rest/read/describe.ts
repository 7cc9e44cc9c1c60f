/**
 * The current fields of a record type, read from a JSON Schema or from a list of fields, depending on the
 * API.
 */
import type { JsonValue } from '../../../domain/json';
import type { RecordType, RecordTypeField } from '../../../domain/records/record-type';
import { NO_FIELDS, readAnswer, rulesFor, unreadable } from '../http/response-rules';
import { requestTo } from '../http/calls';
import { pageBytesMax } from '../../page-size';
import type { RecordTypeConfig } from '../config/config';
import type { DescribeConfig } from '../config/config-read';
import type { RestContext } from '../http/credentials';
import { aboutDataset, notReadable } from './dataset-errors';
import { readAt } from '../json-pointer';
import { fieldsInSchema } from './json-schema';
import { describeRecordType, inWords } from '../config/record-types';
import type { Session } from '../http/session';

type FieldList = Extract<DescribeConfig['fields'], { type: 'list' }>;

/**
 * Reads the fields from the third party. The configuration provides labels, and the fields if the API has no
 * such call.
 */
export async function describeLive(
  name: string,
  recordType: RecordTypeConfig,
  context: RestContext,
  session: Session,
): Promise<RecordType> {
  const configured = describeRecordType(name, recordType);
  const { describe } = recordType;
  if (describe === undefined) return configured;
  const request = requestTo(context.config, describe, 'GET', () => undefined);
  const response = await session.send({ ...request, responseBytesMax: pageBytesMax(context.config) });
  const answer = readAnswer(response, rulesFor(context.config, recordType), NO_FIELDS, session.quotable);
  if (answer.meaning !== 'done') throw aboutDataset(answer.error, name, 'describe', response.status);
  if (answer.body === undefined) throw unreadable(session.quotable(response));
  const fields =
    describe.fields.type === 'list'
      ? fieldsInList(answer.body, describe.fields)
      : fieldsInSchema(readAt(answer.body, describe.fields.at));
  if (fields === undefined)
    throw notReadable(
      name,
      'describe',
      'no_fields',
      `the response has no fields at ${describe.fields.at || 'its top level'}.`,
    );
  const labels = new Map(
    (recordType.known_fields ?? []).flatMap((field) =>
      field.label === undefined ? [] : [[field.name, field.label] as const],
    ),
  );
  return {
    ...configured,
    fields: fields.map((field) => ({ ...field, label: labels.get(field.name) ?? field.label })),
  };
}

function fieldsInList(body: JsonValue, shape: FieldList): RecordTypeField[] | undefined {
  const list = readAt(body, shape.at);
  if (!Array.isArray(list)) return undefined;
  const fields = list.flatMap((entry) => fieldIn(entry, shape) ?? []);
  return [...new Map(fields.map((field) => [field.name, field])).values()];
}

function fieldIn(
  entry: JsonValue,
  { name, label, field_type: type, required, values, value, types }: FieldList,
): RecordTypeField | undefined {
  const text = (pointer: string | undefined) => {
    const found = pointer === undefined ? undefined : readAt(entry, pointer);
    return typeof found === 'string' && found !== '' ? found : undefined;
  };
  const named = text(name);
  if (named === undefined) return undefined;
  const listed = values === undefined ? undefined : readAt(entry, values);
  const picklist = Array.isArray(listed) ? texts(listed.map((each) => readAt(each, value))) : [];
  const remoteType = text(type);
  const mappedType =
    remoteType !== undefined && Object.hasOwn(types, remoteType) ? types[remoteType] : undefined;
  return {
    name: named,
    label: text(label) ?? inWords(named),
    type: mappedType ?? (picklist.length > 0 ? 'picklist' : 'string'),
    isRequired: required !== undefined && readAt(entry, required) === true,
    ...((mappedType === 'picklist' || (mappedType === undefined && picklist.length > 0)) && {
      values: picklist,
    }),
  };
}

/** The values as texts without repetition, because mappings write picklist values as texts. */
function texts(values: readonly (JsonValue | undefined)[]): string[] {
  return [
    ...new Set(
      values.flatMap((each) =>
        typeof each === 'string' || typeof each === 'number' || typeof each === 'boolean'
          ? [String(each)]
          : [],
      ),
    ),
  ];
}
