/** The part of JSON Schema that connectors use for their configuration and credentials. */
export interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  additionalProperties?: JsonSchema | boolean;
}

export type FieldLook = 'text' | 'number' | 'boolean' | 'choice' | 'json';

export function lookOf(schema: JsonSchema): FieldLook {
  if (schema.enum?.every((value) => typeof value === 'string')) return 'choice';
  if (schema.type === 'string') return 'text';
  if (schema.type === 'integer' || schema.type === 'number') return 'number';
  if (schema.type === 'boolean') return 'boolean';
  return 'json';
}

/** The alternatives of a schema; a schema without any is its only one. */
export const alternativesOf = (schema: JsonSchema): JsonSchema[] => schema.anyOf ?? schema.oneOf ?? [schema];

/** An object with free names and text values, such as `{token: "…"}`. */
export const isFreeText = ({ properties, additionalProperties }: JsonSchema): boolean =>
  properties === undefined &&
  typeof additionalProperties === 'object' &&
  additionalProperties.type === 'string';

export type Drafts = Record<string, string>;

/** The values of a form's texts, without empty fields. `wrong` has an error for each invalid text. */
export function toValues(
  schema: JsonSchema,
  drafts: Drafts,
): { values: Record<string, unknown>; wrong: Record<string, string> } {
  const values: Record<string, unknown> = {};
  const wrong: Record<string, string> = {};
  for (const [name, draft] of Object.entries(drafts)) {
    if (draft === '') continue;
    try {
      values[name] = toValue(schema.properties?.[name], draft);
    } catch (error) {
      wrong[name] = (error as Error).message;
    }
  }
  return { values, wrong };
}

/** Throws an Error that says why the draft is invalid. A field without a schema is text. */
function toValue(schema: JsonSchema | undefined, draft: string): unknown {
  const look = schema === undefined ? 'text' : lookOf(schema);
  if (look === 'boolean') return draft === 'true';
  if (look === 'number') {
    if (Number.isNaN(Number(draft))) throw new Error('Not a number.');
    return Number(draft);
  }
  if (look !== 'json') return draft;
  try {
    return JSON.parse(draft);
  } catch (error) {
    throw new Error(`Not valid JSON: ${(error as Error).message}`, { cause: error });
  }
}
