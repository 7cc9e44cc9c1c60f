/**
 * A dataset that cannot be read as it is configured: what happened, and where in the configuration to look.
 */
import { type ConnectorError, RecordRejected } from '../../errors';

export type ReadingPart = 'list' | 'deleted_list' | 'count' | 'describe';

/** For an answer of another shape than the configuration says, or a configuration that lacks something. */
export function notReadable(
  recordType: string,
  part: ReadingPart,
  code: string,
  problem: string,
): RecordRejected {
  return rejected(recordType, part, code, problem, false);
}

/** A refusal in words about the dataset instead of a record; every other error stays as it is. */
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
