/** Partitions of a list, which are read at the same time: those that the configuration names. */
import type { HttpRequest } from '../../connector';
import type { RangesRequest } from '../../list-ranges';
import type { RecordTypeConfig } from '../config/config';
import type { PartitionConfig } from '../config/config-read';
import type { RestContext } from '../http/credentials';
import { withTemplates } from '../http/request-parts';
import { countRecords } from './count';

/** null: the configuration names none, or the list is short. */
export async function partitionsOf(
  { recordType: name, fromRecords }: RangesRequest,
  recordType: RecordTypeConfig,
  context: RestContext,
): Promise<string[] | null> {
  const partitions = recordType.list?.partitions;
  if (partitions === undefined) return null;
  const count = await countRecords(name, recordType, context);
  if (count !== null && count < fromRecords) return null;
  return partitions.map((partition) => JSON.stringify(partition));
}

/** The call of a page, for one partition. */
export function withPartition(request: HttpRequest, partition: string): HttpRequest {
  const none = { text: () => undefined, json: () => undefined };
  return withTemplates(request, JSON.parse(partition) as PartitionConfig, none);
}
