/** Finds changes of the API description that break existing clients or webhook receivers. */

/** The parts of an OpenAPI document that are compared. */
export interface ApiDescription {
  paths: Record<string, Record<string, Operation>>;
  webhooks?: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
}
interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[];
  requestBody?: { required?: boolean; content: Content };
  responses?: Record<string, { content?: Content }>;
}
type Content = Record<string, { schema?: Schema }>;
interface Schema {
  $ref?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  enum?: unknown[];
  const?: unknown;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}

/** A field of a body, found by its path, such as `data[].badge.status`. */
interface Field {
  isRequired: boolean;
  /** Undefined = any value. */
  values: Set<string> | undefined;
}
type Fields = Map<string, Field>;

/** One message per breaking change. */
export function findBreakingChanges(before: ApiDescription, after: ApiDescription): string[] {
  return [
    ...eachOperation(before.paths).flatMap(([name, path, method, operation]) => {
      const current = after.paths[path]?.[method];
      if (current === undefined) return [`${name}: the operation was removed`];
      return [
        ...compareParameters(name, operation, current),
        ...compareRequests(name, requestFields(before, operation), requestFields(after, current)),
        ...compareResponses(name, before, operation, after, current),
      ];
    }),
    ...eachOperation(before.webhooks ?? {}).flatMap(([, event, method, operation]) => {
      const current = after.webhooks?.[event]?.[method];
      if (current === undefined) return [`webhook ${event}: the event was removed`];
      return removedFields(requestFields(before, operation), requestFields(after, current)).map(
        (field) => `webhook ${event}: the field ${field} was removed`,
      );
    }),
  ];
}

/** A breaking change needs a new minor or major version. */
export function isBreakAllowed(releasedVersion: string, version: string): boolean {
  const [releasedMajor, releasedMinor] = releasedVersion.split('.');
  const [major, minor] = version.split('.');
  return major !== releasedMajor || minor !== releasedMinor;
}

function eachOperation(
  paths: Record<string, Record<string, Operation>>,
): [name: string, path: string, method: string, operation: Operation][] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]): [string, string, string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      path,
      method,
      operation,
    ]),
  );
}

function compareParameters(name: string, before: Operation, after: Operation): string[] {
  const keyOf = (parameter: { name: string; in: string }) => `${parameter.in} parameter ${parameter.name}`;
  const earlier = new Map(before.parameters?.map((parameter) => [keyOf(parameter), parameter]));
  const current = new Map(after.parameters?.map((parameter) => [keyOf(parameter), parameter]));
  return [
    ...[...earlier].flatMap(([key, { schema }]) => {
      const same = current.get(key);
      if (same === undefined) return [`${name}: the ${key} was removed`];
      const missing = missingValues(valuesOf(schema ?? {}), valuesOf(same.schema ?? {}));
      return missing.map((value) => `${name}: the ${key} no longer accepts ${value}`);
    }),
    ...[...current].flatMap(([key, { required }]) =>
      required === true && earlier.get(key)?.required !== true ? [`${name}: the ${key} is required now`] : [],
    ),
  ];
}

/** Bodies are strict, so a removed field would be refused as unknown. */
function compareRequests(name: string, before: Fields, after: Fields): string[] {
  const removed = removedFields(before, after);
  return [
    ...removed.map((field) => `${name}: the request field ${field} was removed`),
    ...[...before].flatMap(([field, { values }]) =>
      missingValues(values, after.get(field)?.values).map(
        (value) => `${name}: the request field ${field} no longer accepts ${value}`,
      ),
    ),
    ...[...after].flatMap(([field, { isRequired }]) =>
      isRequired && before.get(field)?.isRequired !== true && hasParent(before, field)
        ? [`${name}: the request field ${field} is required now`]
        : [],
    ),
  ];
}

function compareResponses(
  name: string,
  before: ApiDescription,
  earlier: Operation,
  after: ApiDescription,
  current: Operation,
): string[] {
  return Object.entries(earlier.responses ?? {}).flatMap(([status, { content }]) => {
    if (!status.startsWith('2')) return [];
    const same = current.responses?.[status];
    if (same === undefined) return [`${name}: the response ${status} was removed`];
    return removedFields(fieldsOf(before, content), fieldsOf(after, same.content)).map(
      (field) => `${name}: the field ${field} of the response ${status} was removed`,
    );
  });
}

function removedFields(before: Fields, after: Fields): string[] {
  const removed = [...before.keys()].filter((field) => !after.has(field));
  return removed.filter((field) => !removed.some((other) => other !== field && isBelow(field, other)));
}

const isBelow = (field: string, parent: string): boolean =>
  field.startsWith(`${parent}.`) || field.startsWith(`${parent}[`) || field.startsWith(`${parent}{`);

/** A required field inside a new optional object breaks nothing. */
function hasParent(fields: Fields, field: string): boolean {
  const parent = field.replace(/(\.|^)[^.]*$/, '');
  return parent === '' || fields.has(parent.replace(/(\[\]|\{\})+$/, ''));
}

function missingValues(before: Set<string> | undefined, after: Set<string> | undefined): string[] {
  if (after === undefined) return [];
  return before === undefined ? [] : [...before].filter((value) => !after.has(value));
}

const requestFields = (description: ApiDescription, { requestBody }: Operation): Fields =>
  fieldsOf(description, requestBody?.content);

function fieldsOf(description: ApiDescription, content: Content | undefined): Fields {
  const fields: Fields = new Map();
  for (const { schema } of Object.values(content ?? {}))
    if (schema !== undefined) collect(description, schema, '', fields, []);
  return fields;
}

/** `openRefs`: the references that are being resolved, to stop at recursive schemas. */
function collect(
  description: ApiDescription,
  schema: Schema,
  path: string,
  fields: Fields,
  openRefs: readonly string[],
): void {
  const { $ref } = schema;
  if ($ref !== undefined) {
    const target = description.components?.schemas?.[$ref.replace('#/components/schemas/', '')];
    if (target !== undefined && !openRefs.includes($ref))
      collect(description, target, path, fields, [...openRefs, $ref]);
  }
  addValues(fields.get(path), schema);
  for (const variant of [...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])])
    collect(description, variant, path, fields, openRefs);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const at = path === '' ? name : `${path}.${name}`;
    const isRequired = schema.required?.includes(name) === true;
    const known = fields.get(at);
    fields.set(at, { isRequired: (known?.isRequired ?? true) && isRequired, values: known?.values });
    collect(description, property, at, fields, openRefs);
  }
  if (schema.items !== undefined) collect(description, schema.items, `${path}[]`, fields, openRefs);
  if (typeof schema.additionalProperties === 'object')
    collect(description, schema.additionalProperties, `${path}{}`, fields, openRefs);
}

function addValues(field: Field | undefined, schema: Schema): void {
  const values = valuesOf(schema);
  if (field !== undefined && values !== undefined)
    field.values = new Set([...(field.values ?? []), ...values]);
}

function valuesOf({ enum: values, const: only }: Schema): Set<string> | undefined {
  if (values !== undefined) return new Set(values.map((value) => JSON.stringify(value)));
  return only === undefined ? undefined : new Set([JSON.stringify(only)]);
}
