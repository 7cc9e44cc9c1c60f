/**
 * Errors of a dataset that cannot be read with its configuration: the cause, and the place in the
 * configuration.
 */
import type { RecordTypeConfig, RestConfig } from '../config/config';
import type { Session } from '../http/session';
import { type ConnectorError, RecordRejected, Unavailable } from '../../errors';

export type ReadingPart = 'list' | 'changes' | 'parents' | 'deleted_list' | 'count' | 'describe';

/** What reading a dataset needs besides its call. */
export interface DatasetReading {
  config: RestConfig;
  recordType: RecordTypeConfig;
  /** The name of the record type. */
  name: string;
  session: Session;
}

/** For a response that does not match the configuration, or an incomplete configuration. */
export function notReadable(
  recordType: string,
  part: ReadingPart,
  code: string,
  problem: string,
): RecordRejected {
  return rejected(recordType, part, code, problem, false);
}

/**
 * Describes a refusal as one of the dataset instead of a record. A failure of a call beside the
 * list names the call; every other error stays unchanged.
 */
export function aboutDataset(
  error: ConnectorError,
  recordType: string,
  part: ReadingPart,
  status: number,
): ConnectorError {
  if (error instanceof Unavailable && part !== 'list' && part !== 'changes')
    return new Unavailable(`${problemOf(recordType, part)}: ${error.message}`, error.status, {
      cause: error,
    });
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

const problemOf = (recordType: string, part: ReadingPart): string => `${recordType} cannot be read (${part})`;

function rejected(
  recordType: string,
  part: ReadingPart,
  code: string,
  problem: string,
  isForbidden: boolean,
): RecordRejected {
  const message = `${problemOf(recordType, part)}: ${problem}`;
  const explanation = `Check "${part}" of ${recordType} in the configuration, and the permissions of the account.`;
  return new RecordRejected(
    message,
    [{ field: null, remoteField: null, code, message, explanation }],
    isForbidden,
  );
}
