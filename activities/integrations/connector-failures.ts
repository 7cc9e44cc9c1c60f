/** Explains the four errors of a connector to users. No other file translates them (rules.md 8, 10). */
import { PackageFault } from '../../connectors/packages/guarded-calls';
import { type ConnectorError, RecordRejected, Unavailable } from '../../connectors/errors';
import { ownFailure } from '../../db/sql/database-away';
import type { SyncError } from '../../domain/sync-error';

/**
 * This process cannot work on the integration, and nothing was sent: it waits as in an outage, until the
 * people who run Syncline have done what the message says.
 */
export class CannotOpen extends Unavailable {}

const EXPLANATIONS = {
  unavailable: {
    category: 'transient',
    code: 'no_answer',
    explanation: 'The third party gave no usable response. Syncline retries automatically.',
  },
  rate_limited: {
    category: 'rate_limited',
    code: 'rate_limited',
    explanation:
      'The third party limits the rate of requests. Syncline continues automatically after the requested wait.',
  },
  unauthorized: {
    category: 'credentials',
    code: 'unauthorized',
    explanation:
      'The third party refuses the credentials. Enter new credentials; the waiting records are then pushed.',
  },
} as const;

export function toSyncErrors(error: ConnectorError): SyncError[] {
  if (error instanceof RecordRejected) return rejectedErrors(error);
  if (isOfConnector(error)) return [ofConnector(error)];
  const { category, code, explanation } = EXPLANATIONS[error.kind as keyof typeof EXPLANATIONS];
  const status = error instanceof Unavailable && error.status !== null ? `http_${error.status}` : code;
  return [
    {
      category,
      origin: 'app',
      code: status,
      field: null,
      remote_field: null,
      message: error.message,
      explanation,
    },
  ];
}

/** The connector is missing or faulty: the third party and the credentials have nothing to do with it. */
export const isOfConnector = (error: unknown): error is CannotOpen | PackageFault =>
  error instanceof CannotOpen || error instanceof PackageFault;

const ofConnector = ({ message }: ConnectorError): SyncError => ({
  category: 'transient',
  origin: 'us',
  code: 'connector_not_usable',
  field: null,
  remote_field: null,
  message,
  explanation: 'The people who run Syncline have to correct this. Syncline then continues automatically.',
});

function rejectedErrors(error: RecordRejected): SyncError[] {
  const general = {
    field: null,
    remoteField: null,
    code: 'rejected',
    message: error.message,
    explanation: 'Correct the record. Syncline then pushes it again automatically.',
  };
  const errors = error.errors.length === 0 ? [general] : error.errors;
  return errors.map(({ field, remoteField, code, message, explanation }) => ({
    category: 'rejected_record',
    origin: 'app',
    code,
    field,
    remote_field: remoteField,
    message,
    explanation,
  }));
}

/** A fault of Syncline with one record; other records continue (rules.md R10). */
export function internalError(error: unknown): SyncError {
  const own = ownFailure(error);
  if (own !== undefined) return databaseError(own);
  return {
    category: 'internal',
    origin: 'us',
    code: 'connector_failed',
    field: null,
    remote_field: null,
    message: error instanceof Error ? error.message.slice(0, 500) : 'The connector failed.',
    explanation:
      "Syncline's connector failed on this record. Report it with the push's id; Retry pushes the record again.",
  };
}

const databaseError = ({ message }: Error): SyncError => ({
  category: 'internal',
  origin: 'us',
  code: 'database_failed',
  field: null,
  remote_field: null,
  message: `Syncline's database did not execute a statement: ${message}`.slice(0, 500),
  explanation:
    'Neither the app nor its records are the cause. If it fails again, the log of the worker helps the ' +
    'people who run Syncline to find the statement.',
});
