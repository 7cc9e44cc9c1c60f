/** The record types that an integration pulls, and those that it pushes. */
import type { RecordTypeMapping, RecordTypeMappings } from './mapping';

export type SyncDirection = 'pull' | 'push';

export function pullsType(mapping: RecordTypeMapping | undefined): boolean {
  return mapping !== undefined && mapping.direction !== 'push';
}

export function pushesType(mapping: RecordTypeMapping | undefined): boolean {
  return mapping !== undefined && mapping.direction !== 'pull';
}

/** Sorted by name. */
export function pulledRecordTypes({ recordTypes }: { recordTypes: RecordTypeMappings }): string[] {
  return Object.keys(recordTypes)
    .filter((type) => pullsType(recordTypes[type]))
    .sort();
}

/**
 * The record types of an overview with these directions: pulled types first, then pushed ones, each sorted by
 * name.
 */
export function datasetsOf(
  recordTypes: RecordTypeMappings,
  directions: readonly SyncDirection[],
): { recordType: string; direction: SyncDirection }[] {
  const names = Object.keys(recordTypes).sort();
  return (['pull', 'push'] as const)
    .filter((direction) => directions.includes(direction))
    .flatMap((direction) =>
      names
        .filter(
          (name) => recordTypes[name]?.direction === direction || recordTypes[name]?.direction === 'both',
        )
        .map((recordType) => ({ recordType, direction })),
    );
}
