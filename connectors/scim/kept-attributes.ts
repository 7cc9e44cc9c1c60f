/** The attributes of a resource that reading needs. The others are dropped before the page is parsed. */
import type { RecordTypeMapping } from '../../domain/records/mapping';
import type { KeptMembers } from '../http';
import type { ResourceTypeConfig } from './config';
import { attributePath } from './names';

/** Undefined: all, for resources that are also pushed, and where an extension of the schema is mapped. */
export function keptAttributes(
  type: ResourceTypeConfig,
  mapping: RecordTypeMapping | undefined,
): KeptMembers | undefined {
  if (mapping?.direction !== 'pull' || mapping.fields.length === 0) return undefined;
  const mapped = mapping.fields.map(({ to }) => attributePath(to)[0] ?? '');
  if (mapped.some((name) => /^(urn:|$)/i.test(name))) return undefined;
  const names = ['id', 'externalId', 'meta', 'schemas', type.active_attribute, ...mapped];
  const members = names.flatMap((name) => (typeof name === 'string' ? [[name]] : []));
  return { items: ['Resources'], itemsAs: 'list', members, ignoresCase: true };
}
