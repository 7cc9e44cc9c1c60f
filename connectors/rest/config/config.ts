/**
 * The schema of a REST integration's configuration, which describes a third party's API as data. Unknown keys
 * are refused. `validate.ts` checks combinations of values (variables, duplicates, mappings). For the format
 * with examples, see docs/connectors/rest.md.
 */
import { z } from 'zod';
import { Auth } from './config-auth';
import { Batch } from './config-batch';
import { AnswerSign, Condition, callShape } from './config-call';
import { PageMib } from '../../page-size';
import { isFieldName } from '../http/field-name';
import { Count, DeletedList, Describe, List, Paging } from './config-read';
import { Webhooks } from './config-webhooks';
import {
  AbsoluteUrl,
  CharacterSet,
  Destination,
  HEADER_NAME,
  Headers,
  Json,
  JsonObject,
  JsonPointer,
  PathTemplate,
  Status,
  Text,
  refuseUnsafeKeys,
} from './config-values';

const bodyShape = {
  /** Constants and placeholders around the record. */
  body: JsonObject.optional(),
  /** The location of the record in the body; the record type's `body_at` by default. */
  body_at: JsonPointer.optional(),
  /** The same call for several records at once. */
  batch: Batch.optional(),
};

/** What a PUT does with the fields of the record that Syncline does not write. */
const replaceShape = {
  /** Keeps them: the record is read first, and Syncline's fields are put over it. */
  merge: z.boolean().optional(),
  /** Fields of the read record that are not sent back, such as timestamps of the third party. */
  omit: z.array(JsonPointer).optional(),
  /** Confirms that they are lost. */
  replaces: z.boolean().optional(),
  /** The third party changes only the fields that the call contains. */
  partial: z.boolean().optional(),
};

const Find = z.strictObject({
  ...callShape,
  body: JsonObject.optional(),
  /** The list in the response; without it the response is the record itself. */
  items: JsonPointer.optional(),
  /** The record within an item of the list. */
  item_at: JsonPointer.optional(),
  /** The condition for a response without a list if nothing was found. */
  empty: Condition.optional(),
  /** Where a found record has its id, if it differs from that of a single record. */
  id: JsonPointer.optional(),
  /** The value by which a found record is recognized; `external_id` by default. */
  match: z
    .strictObject({
      at: JsonPointer,
      value: Text,
      /** Upper and lower case are the same; for e-mail addresses they always are. */
      ignore_case: z.boolean().optional(),
    })
    .optional(),
  /** False for a search that also returns similar records: every page is read until one matches. */
  exact: z.boolean().optional(),
  paging: Paging.optional(),
});

/** Switching a record off or on: constants sent by `update` (or `upsert`), or a call of its own. */
const Switch = z.strictObject({
  ...callShape,
  path: PathTemplate.optional(),
  ...bodyShape,
  ...replaceShape,
  set: z.record(Destination, Json).optional(),
});

const EachError = z.strictObject({
  /** A list of errors, or an object whose keys are fields. */
  at: JsonPointer,
  /** The field within an error; the object's key by default. */
  name: JsonPointer.optional(),
  message: JsonPointer.optional(),
  code: JsonPointer.optional(),
  /** For errors that are texts like `email: is taken`: the separator between field and message. */
  name_before: z.string().min(1).max(5).optional(),
});

const Errors = z.strictObject({
  /** The third party's general message. */
  message: JsonPointer.optional(),
  /** The header with the message, for responses without a body. */
  message_header: z.string().regex(HEADER_NAME).optional(),
  /** The third party's general code. */
  code: JsonPointer.optional(),
  /** The field, for responses with a single error at the top. */
  name: JsonPointer.optional(),
  /** Several descriptions for APIs with several kinds of errors. */
  each: z.union([EachError, z.array(EachError).min(1).max(5)]).optional(),
});

const Answers = z.strictObject({
  missing: z.array(AnswerSign).optional(),
  exists: z.array(AnswerSign).optional(),
  /** The record has another version than the call named. */
  changed: z.array(AnswerSign).optional(),
  transient: z.array(AnswerSign).optional(),
  rate_limited: z.array(AnswerSign).optional(),
  unauthorized: z.array(AnswerSign).optional(),
  /** The record is refused for good, although the status says that the third party has failed (500). */
  rejected: z.array(AnswerSign).optional(),
  success: z.array(Status).optional(),
  /** A response with a success status that is a refusal (`{"ok": false}`, GraphQL's `errors`). */
  failed: z.union([Condition, z.array(Condition).min(1)]).optional(),
});

/** `number`: `"{remote_id}"` in a body becomes a number, where a double holds it exactly. */
const IdType = z.enum(['string', 'number']).default('string');

const Id = z.union([
  JsonPointer,
  z.strictObject({ at: JsonPointer, type: IdType }),
  /**
   * A header of the response to a create (`location`: its last part). Other responses have it at the pointer.
   */
  z.strictObject({ header: z.string().regex(HEADER_NAME), at: JsonPointer.default('/id'), type: IdType }),
  z
    .strictObject({
      template: Text,
      allow: CharacterSet,
      otherwise: z
        .string()
        .regex(/^[!-~]$/, 'One visible ASCII character.')
        .optional(),
    })
    .refine(
      ({ template }) => template.includes('{external_id}'),
      'The id must contain {external_id}, or two records would share one id.',
    ),
]);

const KnownField = z.strictObject({
  name: Destination,
  label: Text.optional(),
  type: z.enum(['string', 'number', 'boolean', 'date', 'datetime', 'picklist', 'object', 'array']).optional(),
  is_required: z.boolean().optional(),
  values: z.array(Text).optional(),
});

const RecordTypeConfig = z.strictObject({
  label: Text.optional(),
  known_fields: z.array(KnownField).max(500).optional(),
  id: Id.default('/id'),
  external_id: z
    .union([JsonPointer, z.strictObject({ at: JsonPointer, only_on_create: z.boolean() })])
    .optional(),
  version: z.union([JsonPointer, z.strictObject({ header: z.string().regex(HEADER_NAME) })]).optional(),
  /** What `{fields}` in list, changes and read stands for. */
  fields: z
    .strictObject({
      /** Where the fields are in a record. */
      below: JsonPointer.default(''),
      /** Asked for beside the mapped fields, such as the time of the last change. */
      always: z.array(Text.refine(isFieldName, 'The name of a field.')).max(100).default([]),
    })
    .optional(),
  /** Fields that are sent when a record is created, and never again. */
  create_only: z.array(JsonPointer).optional(),
  /** The location of the record in a response. */
  record_at: JsonPointer.default(''),
  /** The location of the record in the body of a request. */
  body_at: JsonPointer.default(''),
  /** A record that matches this counts as missing. */
  tombstone: Condition.optional(),
  find: Find.optional(),
  /** `record_at`: the location of the record in this response, if it differs from that in others. */
  read: z
    .strictObject({ ...callShape, body: JsonObject.optional(), record_at: JsonPointer.optional() })
    .optional(),
  create: z
    .strictObject({
      ...callShape,
      ...bodyShape,
      if_none_match: z.boolean().optional(),
      replaces: z.boolean().optional(),
      idempotency_header: z.string().regex(HEADER_NAME).optional(),
    })
    .optional(),
  update: z
    .strictObject({ ...callShape, ...bodyShape, ...replaceShape, if_match: z.boolean().optional() })
    .optional(),
  upsert: z.strictObject({ ...callShape, ...bodyShape, ...replaceShape }).optional(),
  delete: z
    .strictObject({
      ...callShape,
      body: JsonObject.optional(),
      batch: Batch.optional(),
      if_match: z.boolean().optional(),
    })
    .optional(),
  deactivate: Switch.optional(),
  activate: Switch.optional(),
  list: List.optional(),
  /** What incremental runs read instead of `list`. */
  changes: List.optional(),
  deleted_list: DeletedList.optional(),
  count: Count.optional(),
  describe: Describe.optional(),
  errors: Errors.optional(),
  answers: Answers.optional(),
});

const RestConfigShape = z.strictObject({
  /** The product's name, shown in the Sync Status. */
  app: Text.min(1).max(100),
  base_url: AbsoluteUrl,
  headers: Headers.optional(),
  auth: Auth,
  /** Connections present a client certificate; `auth` applies beside it. */
  client_certificate: z.boolean().optional(),
  check: z.strictObject({ ...callShape, body: JsonObject.optional(), expect: z.array(Status).optional() }),
  /** The number of concurrent calls of pushes, over all workers. */
  concurrency: z.int().min(1).max(256).default(8),
  /** The size of a page of a list that is read; a setting of the worker by default. */
  page_mib: PageMib.optional(),
  errors: Errors.optional(),
  answers: Answers.optional(),
  /** What the third party sends when a record has changed. */
  webhooks: Webhooks.optional(),
  record_types: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'A record type: lower-case letters, digits and _.'),
      RecordTypeConfig,
    )
    .refine((types) => Object.keys(types).length > 0, 'At least one record type.'),
});

export const RestConfig = z.preprocess(refuseUnsafeKeys, RestConfigShape);

export type RestConfig = z.output<typeof RestConfig>;
export type RecordTypeConfig = z.output<typeof RecordTypeConfig>;
export type ErrorsConfig = z.output<typeof Errors>;
export type AnswersConfig = z.output<typeof Answers>;
export type IdConfig = z.output<typeof Id>;
