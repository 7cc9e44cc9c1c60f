/** Partitions of a list, which are read at the same time: those that the configuration names. */
import type { RangesRequest } from '../../../list-ranges';
import type { RecordTypeConfig } from '../../config/config';
import type { PartitionConfig } from '../../config/config-read';
import type { RestContext } from '../../http/credentials';
import { withTemplates } from '../../http/request-parts';
import { countRecords } from '../count';
import type { ReadingWay } from './way';

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

/** @param partition undefined: the whole list is read */
export function byPartition(partition: string | undefined): ReadingWay {
  if (partition === undefined) return {};
  const named = JSON.parse(partition) as PartitionConfig;
  const none = { text: () => undefined, json: () => undefined };
  return { request: (request) => withTemplates(request, named, none) };
}
