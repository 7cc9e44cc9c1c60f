/**
 * Errors of a dataset that cannot be read with its configuration: the cause, and the place in the
 * configuration.
 */
import { type ConnectorError, RecordRejected } from '../../errors';

export type ReadingPart = 'list' | 'deleted_list' | 'count' | 'describe';

/** For a response that does not match the configuration, or an incomplete configuration. */
export function notReadable(
  recordType: string,
  part: ReadingPart,
  code: string,
  problem: string,
): RecordRejected {
  return rejected(recordType, part, code, problem, false);
}

/** Describes a refusal as one of the dataset instead of a record; every other error stays unchanged. */
export function aboutDataset(
  error: ConnectorError,
  recordType: string,
  part: ReadingPart,
  status: number,
): ConnectorError {
  if (!(error instanceof RecordRejected)) return error;
  const code = error.errors[0]?.code ?? `http_${status}`;
  return rejected(
    recordType,
    part,
    code,
    `the third party answered ${status}. ${error.message}`,
    error.isForbidden,
  );
}

function rejected(
  recordType: string,
  part: ReadingPart,
  code: string,
  problem: string,
  isForbidden: boolean,
): RecordRejected {
  const message = `${recordType} cannot be read (${part}): ${problem}`;
  const explanation = `Check "${part}" of ${recordType} in the configuration, and the permissions of the account.`;
  return new RecordRejected(
    message,
    [{ field: null, remoteField: null, code, message, explanation }],
    isForbidden,
  );
}
