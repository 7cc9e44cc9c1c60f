/**
 * The shape of a REST integration's configuration: what a third party's API looks like, as data. Every key does something, unknown
 * ones are refused. What single values mean together (variables, twins, mappings) is `validate.ts`'s business.
 * The whole format with complete examples: docs/connectors.md.
 */
import { z } from 'zod';
import type { JsonValue } from '../../domain/json';
import { toPath } from '../../domain/mapping';
import { isPointer, isSafePath } from './json-pointer';
import { problemOfPath } from './templates';

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
/** Set by the HTTP client itself; setting them here could split one request into two. */
const RESERVED_HEADERS = new Set(['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'expect', 'te', 'trailer']);

const Text = z.string().max(4000);
const JsonPointer = Text.refine(isPointer, 'A JSON Pointer: empty for the whole, or /key/key (RFC 6901).');
/** `email` or `/name/given`, like `to` in a mapping. */
const Destination = Text.min(1).refine((to) => isSafePath(toPath(to)) && (!to.startsWith('/') || isPointer(to)), 'A key, or a JSON Pointer.');
const CharacterSet = z.string().min(1).max(200);
const Status = z.int().min(100).max(599);
const Json: z.ZodType<JsonValue> = z.json();
const JsonObject = z.record(z.string().max(200), Json);

const Headers = z.record(
  z
    .string()
    .regex(HEADER_NAME, 'The name of a header.')
    .refine((name) => !RESERVED_HEADERS.has(name.toLowerCase()), 'This header cannot be set.'),
  Text.regex(/^[\x20-\x7e]*$/, 'A header holds visible ASCII.'),
);

const AbsoluteUrl = Text.superRefine((url, issue) => {
  const problem = problemOfUrl(url);
  if (problem !== undefined) issue.addIssue({ code: 'custom', message: problem });
});

const PathTemplate = Text.superRefine((path, issue) => {
  const problem = problemOfPath(path);
  if (problem !== undefined) issue.addIssue({ code: 'custom', message: problem });
});

/** A value for a variable of a path: a constant, one placeholder, or a text with rules that keep a value from changing its meaning. */
const Parameter = z.union([
  Text,
  z.number(),
  z.boolean(),
  z.strictObject({
    template: Text,
    escape: z
      .record(
        z.string().refine((key) => Array.from(key).length === 1, 'One character.'),
        z.string().max(10),
      )
      .optional(),
    refuse: z.string().min(1).max(200).optional(),
    allow: CharacterSet.optional(),
  }),
]);

/** True of an answer or a record when the value at the pointer equals `is`, or without `is`, when there is something other than null, false, "" or []. */
const Condition = z.strictObject({ at: JsonPointer, is: Json.optional() });

const callShape = {
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
  path: PathTemplate,
  parameters: z.record(z.string().regex(NAME, 'A name of letters, digits and _.'), Parameter).optional(),
  headers: Headers.optional(),
};
const bodyShape = {
  /** Constants and placeholders around the record. */
  body: JsonObject.optional(),
  /** Where in the body the record goes; the record type's `body_at` unless given. */
  body_at: JsonPointer.optional(),
};

const Find = z.strictObject({
  ...callShape,
  body: JsonObject.optional(),
  /** The list in the answer; without it the answer is the record itself. */
  items: JsonPointer.optional(),
  /** The record within an item of the list. */
  item_at: JsonPointer.optional(),
  /** What an answer without the list looks like when nothing was found. */
  empty: Condition.optional(),
  /** What a found record must hold to be ours; `external_id` unless given. */
  match: z.strictObject({ at: JsonPointer, value: Text }).optional(),
});

/** Switching a record off or on: constants sent by `update` (or `upsert`), or a call of its own. */
const Switch = z.strictObject({
  ...callShape,
  path: PathTemplate.optional(),
  ...bodyShape,
  set: z.record(Destination, Json).optional(),
});

const Errors = z.strictObject({
  /** The third party's words about the whole. */
  message: JsonPointer.optional(),
  /** Its code for the whole. */
  code: JsonPointer.optional(),
  each: z
    .strictObject({
      /** A list of complaints, or an object whose keys are fields. */
      at: JsonPointer,
      /** Within a complaint: the field. Without it, the object's key. */
      name: JsonPointer.optional(),
      message: JsonPointer.optional(),
      code: JsonPointer.optional(),
      /** Complaints that are texts like `email: is taken`: what parts the field from the words. */
      name_before: z.string().min(1).max(5).optional(),
    })
    .optional(),
});

const StatusOrCode = z.union([Status, z.string().min(1).max(200)]);
const Answers = z.strictObject({
  missing: z.array(StatusOrCode).optional(),
  exists: z.array(StatusOrCode).optional(),
  transient: z.array(StatusOrCode).optional(),
  rate_limited: z.array(StatusOrCode).optional(),
  unauthorized: z.array(StatusOrCode).optional(),
  success: z.array(Status).optional(),
  /** An answer with a good status that is a refusal all the same (`{"ok": false}`, GraphQL's `errors`). */
  failed: Condition.optional(),
});

const Id = z.union([
  JsonPointer,
  /** A header of the answer to a create (`location`: its last part); other answers hold it at the pointer. */
  z.strictObject({ header: z.string().regex(HEADER_NAME), at: JsonPointer.default('/id') }),
  z
    .strictObject({
      template: Text,
      allow: CharacterSet,
      otherwise: z
        .string()
        .regex(/^[!-~]$/, 'One visible ASCII character.')
        .optional(),
    })
    .refine(({ template }) => template.includes('{external_id}'), 'An id of our own holds {external_id}, or two records would share one id.'),
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
  external_id: z.union([JsonPointer, z.strictObject({ at: JsonPointer, only_on_create: z.boolean() })]).optional(),
  version: z.union([JsonPointer, z.strictObject({ header: z.string().regex(HEADER_NAME) })]).optional(),
  /** The record within an answer. */
  record_at: JsonPointer.default(''),
  /** The record within a request's body. */
  body_at: JsonPointer.default(''),
  /** A record that looks like this counts as not there. */
  tombstone: Condition.optional(),
  find: Find.optional(),
  read: z.strictObject(callShape).optional(),
  create: z
    .strictObject({ ...callShape, ...bodyShape, if_none_match: z.boolean().optional(), idempotency_header: z.string().regex(HEADER_NAME).optional() })
    .optional(),
  update: z.strictObject({ ...callShape, ...bodyShape, if_match: z.boolean().optional() }).optional(),
  upsert: z.strictObject({ ...callShape, ...bodyShape }).optional(),
  delete: z.strictObject({ ...callShape, body: JsonObject.optional(), if_match: z.boolean().optional() }).optional(),
  deactivate: Switch.optional(),
  activate: Switch.optional(),
  errors: Errors.optional(),
  answers: Answers.optional(),
});

const HeaderOfToken = { header: z.string().regex(HEADER_NAME).default('Authorization'), value: Text.default('Bearer {token}') };

const Auth = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({ type: z.literal('bearer') }),
  z.strictObject({ type: z.literal('basic') }),
  z.strictObject({ type: z.literal('header'), headers: Headers }),
  z.strictObject({ type: z.literal('query'), parameters: z.record(z.string().min(1).max(100), Text) }),
  z.strictObject({
    type: z.literal('oauth2_client_credentials'),
    token_url: AbsoluteUrl,
    scope: Text.optional(),
    client_auth: z.enum(['basic', 'body']).default('basic'),
    /** Further form fields of the token call: `audience`, `resource`. */
    parameters: z.record(z.string().min(1).max(100), Text).optional(),
  }),
  z.strictObject({
    type: z.literal('login'),
    method: z.enum(['POST', 'PUT', 'GET']).default('POST'),
    path: PathTemplate.optional(),
    /** For a login on another host; else `path`. */
    url: AbsoluteUrl.optional(),
    headers: Headers.optional(),
    body: JsonObject.optional(),
    send_as: z.enum(['json', 'form']).default('json'),
    token: z.union([JsonPointer, z.strictObject({ header: z.string().regex(HEADER_NAME) }), z.strictObject({ cookie: z.string().regex(HEADER_NAME) })]),
    expires_in: JsonPointer.optional(),
    expires_at: JsonPointer.optional(),
    lifetime_seconds: z.int().min(1).optional(),
    ...HeaderOfToken,
    /** Statuses after which to log in again, once. */
    renew_on: z.array(Status).default([401, 403]),
  }),
]);

const RestConfigShape = z.strictObject({
  /** The product's name, as people know it; Sync Status shows it. */
  app: Text.min(1).max(100),
  base_url: AbsoluteUrl,
  headers: Headers.optional(),
  auth: Auth,
  check: z.strictObject({ ...callShape, body: JsonObject.optional(), expect: z.array(Status).optional() }),
  /** How many calls run at once. */
  concurrency: z.int().min(1).max(32).default(8),
  errors: Errors.optional(),
  answers: Answers.optional(),
  record_types: z
    .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'A record type: lower-case letters, digits and _.'), RecordTypeConfig)
    .refine((types) => Object.keys(types).length > 0, 'At least one record type.'),
});

/** Secrets by name; the configuration's `auth` says which names it needs. */
const CredentialsShape = z
  .record(
    z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'A name of lower-case letters, digits and _.'),
    z
      .string()
      .min(1)
      .max(8192)
      .regex(/^[^\p{Cc}]*$/u, 'No control characters.'),
  )
  .refine((credentials) => Object.keys(credentials).length <= 20, 'At most 20 credentials.');

export const RestConfig = z.preprocess(refuseUnsafeKeys, RestConfigShape);
export const RestCredentials = z.preprocess(refuseUnsafeKeys, CredentialsShape);

export type RestConfig = z.output<typeof RestConfig>;
export type RestCredentials = z.output<typeof RestCredentials>;
export type RecordTypeConfig = z.output<typeof RecordTypeConfig>;
export type AuthConfig = z.output<typeof Auth>;
export type ErrorsConfig = z.output<typeof Errors>;
export type AnswersConfig = z.output<typeof Answers>;
export type ConditionConfig = z.output<typeof Condition>;
export type ParameterConfig = z.output<typeof Parameter>;
export type IdConfig = z.output<typeof Id>;

/** What all calls have in common. */
export interface CallConfig {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | undefined;
  path: string;
  parameters?: Record<string, ParameterConfig> | undefined;
  headers?: Record<string, string> | undefined;
  body?: Record<string, JsonValue> | undefined;
  body_at?: string | undefined;
}

/** Zod drops `__proto__` from records without a word; here it is refused, wherever it stands. */
function refuseUnsafeKeys(value: unknown, issue: z.core.$RefinementCtx): unknown {
  const path = pathOfUnsafeKey(value);
  if (path) issue.addIssue({ code: 'custom', message: 'The keys __proto__, constructor and prototype are refused.', input: value, path });
  return value;
}

function pathOfUnsafeKey(value: unknown): string[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const path = isSafePath([key]) ? pathOfUnsafeKey(inner) : [];
    if (path) return [key, ...path];
  }
  return undefined;
}

function problemOfUrl(url: string): string | undefined {
  if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url)) return 'An absolute http or https URL.';
  const { username, password, search, hash } = new URL(url);
  if (username !== '' || password !== '') return 'A URL without user name and password: they belong to the credentials.';
  if (search !== '' || hash !== '' || /[?#{}]/.test(url)) return 'A URL without query, fragment and braces.';
  return undefined;
}
