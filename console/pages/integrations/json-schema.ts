/** As much of JSON Schema as connectors use to describe their configuration and credentials. */
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

/** The alternatives of a schema: itself, unless it offers several shapes. */
export const alternativesOf = (schema: JsonSchema): JsonSchema[] => schema.anyOf ?? schema.oneOf ?? [schema];

/** An object whose names are free and whose values are text: `{token: "…"}`. */
export const isFreeText = ({ properties, additionalProperties }: JsonSchema): boolean =>
  properties === undefined &&
  typeof additionalProperties === 'object' &&
  additionalProperties.type === 'string';

export type Drafts = Record<string, string>;

/** What the texts of a form stand for. Fields left empty are left out. `wrong` says by name which text cannot be read. */
export function toValues(
  schema: JsonSchema,
  drafts: Drafts,
): { values: Record<string, unknown>; wrong: Record<string, string> } {
  const values: Record<string, unknown> = {};
  const wrong: Record<string, string> = {};
  for (const [name, draft] of Object.entries(drafts)) {
    const look = schema.properties?.[name] === undefined ? 'text' : lookOf(schema.properties[name]);
    if (draft === '') continue;
    if (look === 'number') values[name] = Number(draft);
    else if (look === 'boolean') values[name] = draft === 'true';
    else if (look === 'json') {
      try {
        values[name] = JSON.parse(draft);
      } catch (error) {
        wrong[name] = `This is no JSON: ${(error as Error).message}`;
      }
    } else values[name] = draft;
    if (look === 'number' && Number.isNaN(values[name])) wrong[name] = 'This is no number.';
  }
  return { values, wrong };
}
