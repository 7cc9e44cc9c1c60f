/** Errors as the client of the SDK throws them for an answer of Temporal. */
import { ServiceError } from '@temporalio/client';
import { google, temporal } from '@temporalio/proto';

const { ResourceExhaustedFailure } = temporal.api.errordetails.v1;
const LIMITS = temporal.api.enums.v1.ResourceExhaustedCause;

/** For example `BUSY_WORKFLOW`. */
type Limit = keyof typeof LIMITS extends `RESOURCE_EXHAUSTED_CAUSE_${infer Name}` ? Name : never;

/** `limit`: the one that was reached; without it the error has no details. */
export function temporalError(code: number, words: string, limit?: Limit): ServiceError {
  const metadata = { get: () => (limit === undefined ? [] : [detailsOf(limit)]) };
  const cause = Object.assign(new Error(`${code} ${words}`), { code, details: words, metadata });
  return new ServiceError('Failed to signalWithStart Workflow', { cause });
}

function detailsOf(limit: Limit): Buffer {
  const name = `RESOURCE_EXHAUSTED_CAUSE_${limit}` as const;
  const value = ResourceExhaustedFailure.encode({ cause: LIMITS[name] }).finish();
  const typeUrl = 'type.googleapis.com/temporal.api.errordetails.v1.ResourceExhaustedFailure';
  return Buffer.from(google.rpc.Status.encode({ code: 8, details: [{ type_url: typeUrl, value }] }).finish());
}
