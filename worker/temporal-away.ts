/**
 * What a failed call to Temporal is about: the message that was sent, or Temporal as a whole. Some errors can
 * mean either, for example when a workflow or one of the shards is silent. Temporal is asked then.
 */
import { type Client, isGrpcServiceError, NamespaceNotFoundError } from '@temporalio/client';
import { google, temporal } from '@temporalio/proto';
import { emailWorkflowId } from '../contract/email';
import { newUuid } from '../db/sql/ids';

/** gRPC's CANCELLED, PERMISSION_DENIED, UNAUTHENTICATED: Temporal accepts no call of this process. */
const ABOUT_TEMPORAL = new Set([1, 7, 16]);
/** DEADLINE_EXCEEDED, UNAVAILABLE. */
const UNCLEAR = new Set([4, 14]);
const RESOURCE_EXHAUSTED = 8;

const ANSWER_WITHIN_MS = 5_000;
/** Workflows, most likely on different shards, because a single shard may be silent. */
const SHARDS_ASKED = 3;

/** Temporal takes no messages now. Its cause is the error of the call. */
export class TemporalAway extends Error {
  constructor(cause: unknown) {
    super('Temporal takes no messages now.', { cause });
  }
}

/** `send` that throws `TemporalAway` if its error is not about the message. */
export function tellingIfAway<Message>(
  client: Client,
  send: (message: Message) => Promise<void>,
): (message: Message) => Promise<void> {
  let asking: Promise<boolean> | undefined;
  const answers = (): Promise<boolean> =>
    (asking ??= temporalAnswers(client).finally(() => (asking = undefined)));
  return async (message) => {
    try {
      await send(message);
    } catch (error) {
      const blamed = blameFor(error);
      if (blamed === 'temporal' || (blamed === 'unclear' && !(await answers())))
        throw new TemporalAway(error);
      throw error;
    }
  };
}

/** Looks for workflows that do not exist: their shards must answer, and nothing changes. */
function temporalAnswers({ workflow }: Client): Promise<boolean> {
  const look = async (): Promise<void> => {
    const handle = workflow.getHandle(emailWorkflowId({ emailId: newUuid() }));
    try {
      await workflow.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => handle.describe());
    } catch (error) {
      if (blameFor(error) !== 'message') throw error;
    }
  };
  return Promise.any(Array.from({ length: SHARDS_ASKED }, look)).then(
    () => true,
    () => false,
  );
}

export function blameFor(error: unknown): 'message' | 'temporal' | 'unclear' {
  if (error instanceof NamespaceNotFoundError) return 'temporal';
  const failed = grpcErrorIn(error);
  if (failed === undefined) return 'message';
  if (ABOUT_TEMPORAL.has(failed.code)) return 'temporal';
  if (failed.code === RESOURCE_EXHAUSTED) return blameForLimit(exhaustedLimit(failed));
  return UNCLEAR.has(failed.code) ? 'unclear' : 'message';
}

/** The error can end by itself at any time, so the next attempt should not wait for long. */
export function isTransient(error: unknown): boolean {
  const code = grpcErrorIn(error)?.code;
  return code !== undefined && (UNCLEAR.has(code) || code === RESOURCE_EXHAUSTED);
}

type Limit = temporal.api.enums.v1.ResourceExhaustedCause;

interface GrpcError {
  code: number;
  metadata: { get(key: string): (string | Buffer)[] };
}

function grpcErrorIn(error: unknown): GrpcError | undefined {
  if (isGrpcServiceError(error)) return error;
  return error instanceof Error && error.cause !== undefined ? grpcErrorIn(error.cause) : undefined;
}

/** Only one of the limits is that of a workflow; the others are those of the namespace or the cluster. */
function blameForLimit(limit: Limit | undefined): 'message' | 'temporal' | 'unclear' {
  const limits = temporal.api.enums.v1.ResourceExhaustedCause;
  if (limit === limits.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW) return 'message';
  return limit === undefined || limit === limits.RESOURCE_EXHAUSTED_CAUSE_UNSPECIFIED
    ? 'unclear'
    : 'temporal';
}

/** undefined if the error has no details, for example because a proxy made it. */
function exhaustedLimit({ metadata }: GrpcError): Limit | undefined {
  const [status] = metadata.get('grpc-status-details-bin');
  if (status === undefined || typeof status === 'string') return undefined;
  const { ResourceExhaustedFailure } = temporal.api.errordetails.v1;
  try {
    const { details } = google.rpc.Status.decode(status);
    const failure = details.find(
      ({ type_url: type }) => type?.endsWith('.ResourceExhaustedFailure') === true,
    );
    return failure?.value ? ResourceExhaustedFailure.decode(failure.value).cause : undefined;
  } catch {
    return undefined;
  }
}
