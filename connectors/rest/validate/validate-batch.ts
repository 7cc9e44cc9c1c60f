/** Problems of batches: results that cannot be assigned to records, and failures that would go unnoticed. */
import type { RecordTypeConfig, RestConfig } from '../config/config';
import type { BatchConfig } from '../config/config-batch';
import { jsonVariables, pathVariables, textVariables } from '../http/templates';
import { type Problem, problemsOfHeaders } from './validate-call';

const CALLS = ['create', 'update', 'upsert', 'delete', 'deactivate', 'activate'] as const;
/** An item also knows the single call. */
const OF_THE_CALL = ['method', 'path', 'headers', 'body'];
/** Two records never have the same. */
const IDS = ['external_id', 'push_id', 'remote_id'];

export function problemsOfBatches({ answers, record_types: types }: RestConfig): Problem[] {
  return Object.entries(types).flatMap(([name, type]) =>
    CALLS.flatMap((call) => {
      const batch = type[call]?.batch;
      if (batch === undefined) return [];
      const isFailureShown = (type.answers?.failed ?? answers?.failed) !== undefined;
      const knowsRemoteId = call !== 'create' && call !== 'upsert';
      const pointer = `/config/record_types/${name}/${call}/batch`;
      return [
        ...problemsOfBatch(pointer, batch, knowsRemoteId),
        ...unnoticed(pointer, batch, isFailureShown),
      ];
    }),
  );
}

/** Whether one of the calls of a record type has a batch. */
export function hasBatch(type: RecordTypeConfig): boolean {
  return CALLS.some((call) => type[call]?.batch !== undefined);
}

function problemsOfBatch(pointer: string, batch: BatchConfig, knowsRemoteId: boolean): Problem[] {
  const isKnown = (name: string) =>
    name === 'external_id' ||
    name === 'push_id' ||
    name.startsWith('payload.') ||
    (name === 'remote_id' && knowsRemoteId);
  const unknown = (name: string) => `{${name}} is not known here.`;
  const inItem = jsonVariables(batch.item).filter((name) => !isKnown(name) && !OF_THE_CALL.includes(name));
  const around = [...pathVariables(batch.path), ...jsonVariables(batch.body)];
  const inMatch = batch.match === 'position' ? [] : textVariables(batch.match.value);
  return [
    ...around.map((name) => ({
      pointer,
      message: `{${name}} belongs to one record. The path and the body of a batch concern several.`,
    })),
    ...problemsOfHeaders(`${pointer}/headers`, batch.headers, () => false, unknown),
    ...inItem.map((name) => ({ pointer: `${pointer}/item`, message: unknown(name) })),
    ...inMatch
      .filter((name) => !isKnown(name))
      .map((name) => ({ pointer: `${pointer}/match/value`, message: unknown(name) })),
    ...(batch.match === 'position' || inMatch.some((name) => IDS.includes(name))
      ? []
      : [
          {
            pointer: `${pointer}/match/value`,
            message: `A result is found by a value that no two records share: ${IDS.map((id) => `{${id}}`).join(', ')}.`,
          },
        ]),
  ];
}

function unnoticed(
  pointer: string,
  { status_at: statusAt, error_at: errorAt }: BatchConfig,
  isFailureShown: boolean,
): Problem[] {
  if (statusAt !== undefined || errorAt !== undefined || isFailureShown) return [];
  const message =
    'A refused item would pass for a success. Set status_at (the status of a result), error_at (the ' +
    'error of a result), or answers.failed (a condition on the answer to an item).';
  return [{ pointer: `${pointer}/status_at`, message }];
}
