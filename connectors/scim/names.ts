/**
 * Names in one spelling. Names of attributes and schemas are case-insensitive (RFC 7643 2.1), so a service
 * may write `username` or a schema in lower case. Resources are read in the spelling of the mapping, then of
 * the standard, and written in the spelling of the service.
 */
import { type JsonObject, type JsonValue, isJsonObject } from '../../domain/json';
import type { RecordTypeMapping } from '../../domain/records/mapping';
import { isPosition, isSelector, parsePlace } from '../../domain/records/place';
import type { ResourceTypeConfig } from './config';
import { FIELDS_BY_SCHEMA } from './fields';

/** The names of a service by their path in lower case, as far as they differ from ours. */
export type Spelling = ReadonlyMap<string, string>;

const LISTS = ['emails', 'phoneNumbers', 'addresses', 'ims', 'photos', 'roles', 'entitlements', 'groups'];
const PATHS: (readonly string[])[] = [
  ...['id', 'externalId', 'schemas', 'password'].map((name) => [name]),
  ...['version', 'lastModified', 'created', 'location', 'resourceType'].map((name) => ['meta', name]),
  ...[...LISTS, 'x509Certificates', 'members'].flatMap((list) =>
    ['value', 'type', 'primary', 'display', '$ref'].map((name) => [list, name]),
  ),
  ...Object.values(FIELDS_BY_SCHEMA).flatMap((fields) => fields.map(({ name }) => attributePath(name))),
];

/** The names without positions and selectors: `emails`, `value` for `emails[type eq "work"].value`. */
export function attributePath(to: string): string[] {
  return parsePlace(to).filter(
    (step, depth): step is string => typeof step === 'string' && !isPosition(step, depth),
  );
}

/** The sub-attributes that the selectors of a place name, with the list: `emails`, `type`. */
export function selectingPaths(to: string): string[][] {
  const place = parsePlace(to);
  return place.flatMap((step, depth) =>
    isSelector(step)
      ? step.where.map(({ name }) => [
          ...place.slice(0, depth).filter((key): key is string => !isSelector(key)),
          name,
        ])
      : [],
  );
}

/** The member of this name; the exact spelling comes first. */
export function memberNamed(object: JsonObject | undefined, name: string): JsonValue | undefined {
  if (object === undefined || Object.hasOwn(object, name)) return object?.[name];
  const key = Object.keys(object).find((other) => other.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : object[key];
}

export class AttributeNames {
  private readonly spellings = new Map<string, string>();
  private readonly parents = new Set<string>();

  constructor(type?: ResourceTypeConfig, mapping?: RecordTypeMapping) {
    PATHS.forEach((path) => this.add(path));
    type?.schemas.forEach((schema) => this.add([schema]));
    if (type?.active_attribute) this.add([type.active_attribute]);
    for (const { to } of mapping?.fields ?? [])
      for (const path of [attributePath(to), ...selectingPaths(to)]) this.add(path);
  }

  /** The last name of the path. */
  spell(path: readonly string[]): string {
    return this.spellings.get(keyOf(path)) ?? path.at(-1) ?? '';
  }

  /** The resource in our spelling, and the names that the service spells differently. */
  read(resource: JsonObject): { attributes: JsonObject; theirs: Spelling } {
    const theirs = new Map<string, string>();
    return { attributes: this.readObject(resource, '', theirs), theirs };
  }

  private readObject(node: JsonObject, parent: string, theirs: Map<string, string>): JsonObject {
    return renamed(
      node,
      parent,
      (key, path) => {
        const name = this.spellings.get(path) ?? key;
        // The exact spelling comes first where the service writes a name twice.
        if (name === key) return name;
        if (Object.hasOwn(node, name)) return undefined;
        theirs.set(path, key);
        return name;
      },
      (value, path) => (this.parents.has(path) ? this.readObject(value, path, theirs) : value),
    );
  }

  private add(path: readonly string[]): void {
    path.forEach((name, depth) => {
      this.spellings.set(keyOf(path.slice(0, depth + 1)), name);
      if (depth > 0) this.parents.add(keyOf(path.slice(0, depth)));
    });
  }
}

/** The resource in the spelling of the service. */
export function respell(resource: JsonObject, theirs: Spelling, parent = ''): JsonObject {
  if (![...theirs.keys()].some((path) => path.startsWith(`${parent}/`))) return resource;
  return renamed(
    resource,
    parent,
    (key, path) => theirs.get(path) ?? key,
    (value, path) => respell(value, theirs, path),
  );
}

/** A copy with other names; a member without a name is left out. Lists have no path of their own. */
function renamed(
  node: JsonObject,
  parent: string,
  nameOf: (key: string, path: string) => string | undefined,
  rename: (value: JsonObject, path: string) => JsonObject,
): JsonObject {
  const members = Object.entries(node).flatMap(([key, value]): [string, JsonValue][] => {
    const path = `${parent}/${key.toLowerCase()}`;
    const name = nameOf(key, path);
    if (name === undefined) return [];
    if (Array.isArray(value))
      return [[name, value.map((member) => (isJsonObject(member) ? rename(member, path) : member))]];
    return [[name, isJsonObject(value) ? rename(value, path) : value]];
  });
  return Object.fromEntries(members);
}

function keyOf(path: readonly string[]): string {
  return path.map((name) => `/${name.toLowerCase()}`).join('');
}
