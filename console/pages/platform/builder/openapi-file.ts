/** Reads an OpenAPI document as JSON or YAML. What a draft does not need is left out: documents are large. */

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

const LEFT_OUT = new Set([
  'description',
  'summary',
  'example',
  'examples',
  'externalDocs',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'callbacks',
  'links',
  'headers',
  'tags',
  'x-codeSamples',
]);
/** Their members have names of the product. */
const NAMES = new Set(['properties', 'schemas', 'paths', 'variables', 'securitySchemes', 'parameters']);

/** @throws Error for people, if it is no object */
export async function readOpenApi(text: string): Promise<Record<string, never>> {
  const document = /^\s*\{/.test(text) ? (JSON.parse(text) as Json) : await readYaml(text);
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new Error('This is not an OpenAPI document.');
  return pruned(document, false) as Record<string, never>;
}

async function readYaml(text: string): Promise<Json> {
  const { parse } = await import('yaml');
  return parse(text) as Json;
}

function pruned(value: Json, hasNames: boolean): Json {
  if (Array.isArray(value)) return value.map((item) => pruned(item, false));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => hasNames || !(LEFT_OUT.has(name) || name.startsWith('x-')))
      .map(([name, member]) => [name, pruned(member, !hasNames && NAMES.has(name))]),
  );
}
