/** Problems of the partitions of a list. */
import type { RecordTypeConfig } from '../config/config';
import { jsonVariables, textVariables } from '../http/templates';
import { GET_WITH_BODY, type Problem } from './validate-call';

/** @param pointer of the record type. */
export function problemsOfPartitions(pointer: string, { list, count }: RecordTypeConfig): Problem[] {
  const partitions = list?.partitions;
  if (list === undefined || partitions === undefined) return [];
  const at = `${pointer}/list/partitions`;
  const problems: Problem[] = [];
  const seen = new Set<string>();
  partitions.forEach((partition, index) => {
    const here = `${at}/${index}`;
    const { parameters = {}, body } = partition;
    const add = (message: string) => problems.push({ pointer: here, message });
    if (Object.keys(parameters).length === 0 && body === undefined)
      add('Set parameters or body; a partition without them is the whole list.');
    if (seen.has(JSON.stringify(partition))) add('An earlier partition is the same.');
    seen.add(JSON.stringify(partition));
    if (body !== undefined && (list.method ?? 'GET') === 'GET')
      problems.push({ pointer: `${here}/body`, message: GET_WITH_BODY });
    if (Object.values(parameters).flatMap(textVariables).length + jsonVariables(body ?? {}).length > 0)
      add('A partition has fixed values only.');
  });
  if (count === undefined)
    problems.push({
      pointer: at,
      message: 'Set count: it shows whether the partitions hold every record. Otherwise others look deleted.',
    });
  for (const other of ['parents', 'detail'] as const)
    if (list[other] !== undefined)
      problems.push({ pointer: at, message: `A list with ${other} has no partitions.` });
  return problems;
}
