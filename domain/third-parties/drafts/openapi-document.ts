/**
 * Reads parts of an OpenAPI 3 document that anyone may have written: references are followed within the
 * document alone, a few at a time, and never in a circle.
 */
import { isJsonObject, type JsonObject, memberOf, type JsonValue } from '../../json';
import { isPlainJson, UnusableStart } from './draft';

const HOPS_MAX = 20;
const ALL_OF_DEPTH_MAX = 5;
const PROPERTIES_MAX = 300;
const REFERENCE_LENGTH_MAX = 1_000;
/** Documents of large products need a tenth of it. */
const VISITS_MAX = 300_000;

export class OpenApiDocument {
  private visits = 0;

  constructor(readonly root: JsonObject) {}

  /** A member, with its references followed; undefined = there is none that is an object. */
  at(parent: JsonObject | undefined, name: string): JsonObject | undefined {
    return parent === undefined ? undefined : this.resolve(memberOf(parent, name));
  }

  objects(parent: JsonObject | undefined, name: string): JsonObject[] {
    const list = parent === undefined ? null : memberOf(parent, name);
    if (!Array.isArray(list)) return [];
    return list.map((one) => this.resolve(one)).filter((one) => one !== undefined);
  }

  resolve(value: JsonValue | undefined): JsonObject | undefined {
    let found = value;
    for (let hops = 0; hops < HOPS_MAX; hops += 1) {
      this.visit(1);
      if (!isJsonObject(found)) return undefined;
      const reference = memberOf(found, '$ref');
      if (typeof reference !== 'string') return found;
      if (!reference.startsWith('#/') || reference.length > REFERENCE_LENGTH_MAX) return undefined;
      found = this.pointed(reference.slice(2).split('/'));
    }
    return undefined;
  }

  /** The names of the members. A part with many of them can be pointed to as often as a small one. */
  names(parent: JsonObject | undefined): string[] {
    const names = Object.keys(parent ?? {});
    this.visit(names.length);
    return names;
  }

  private visit(parts: number): void {
    this.visits += parts;
    if (this.visits > VISITS_MAX)
      throw new UnusableStart('The document has too many references, or too large parts.');
  }

  private pointed(steps: readonly string[]): JsonValue | undefined {
    let found: JsonValue | undefined = this.root;
    for (const step of steps) {
      const name = unescaped(step);
      if (!isJsonObject(found) || !Object.hasOwn(found, name)) return undefined;
      found = found[name];
    }
    return found;
  }

  /** The properties of an object, with those of its parts. */
  properties(schema: JsonObject | undefined, depth = 0): Map<string, JsonObject> {
    const properties = new Map<string, JsonObject>();
    if (schema === undefined || depth > ALL_OF_DEPTH_MAX) return properties;
    for (const part of [...this.objects(schema, 'allOf'), ...this.objects(schema, 'oneOf').slice(0, 1)])
      for (const [name, property] of this.properties(part, depth + 1)) properties.set(name, property);
    const own = memberOf(schema, 'properties');
    if (!isJsonObject(own)) return properties;
    for (const name of this.names(own)) {
      if (properties.size >= PROPERTIES_MAX) break;
      properties.set(name, this.resolve(own[name]) ?? {});
    }
    return properties;
  }

  /** The schema of the JSON of a body or an answer. */
  schemaOf(holder: JsonObject | undefined): JsonObject | undefined {
    const type = this.mediaTypeOf(holder);
    return type === undefined ? undefined : this.at(this.at(this.at(holder, 'content'), type), 'schema');
  }

  mediaTypeOf(holder: JsonObject | undefined): string | undefined {
    const types = this.names(this.at(holder, 'content')).filter((name) => /[/+]json\b/i.test(name));
    return types.find(isPlainJson) ?? types[0];
  }
}

function unescaped(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step;
  }
}

export const textAt = (parent: JsonObject | undefined, name: string): string | undefined => {
  const value = parent === undefined ? null : memberOf(parent, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
};

export const isList = (schema: JsonObject | undefined): boolean =>
  schema !== undefined && (textAt(schema, 'type') === 'array' || isJsonObject(memberOf(schema, 'items')));
