/** Which record types an integration reads. */
import type { RecordTypeMapping } from '../domain/mapping';
import type { RecordTypeMappings } from './tables';

export function pullsType(mapping: RecordTypeMapping | undefined): boolean {
  return mapping !== undefined && mapping.direction !== 'push';
}

/** In the order of their names. */
export function pullsOf({ recordTypes }: { recordTypes: RecordTypeMappings }): string[] {
  return Object.keys(recordTypes)
    .filter((type) => pullsType(recordTypes[type]))
    .sort();
}
