/**
 * How calls to Temporal end. The SDK's gRPC retries have one fix: in the SDK, a call that waits for its retry
 * while the connection is closed throws from a timer and ends the process. Here such a call, and any call
 * after the close, fails with CANCELLED.
 */
import {
  Connection,
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import { RECONNECTION } from '../runtime/temporal-reconnection';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Interceptor>;

const CANCELLED = 1;

const refuseAfterClose: Interceptor = (options, nextCall) => {
  try {
    return nextCall(options) as Call;
  } catch (error) {
    return refusedCall(error as Error) as Call;
  }
};

/** Everything that the retry interceptor above it may call, at any point of a call's life. */
function refusedCall({ message }: Error): Omit<Call, never> {
  return {
    start: (metadata, listener) =>
      void setImmediate(() => {
        // The SDK expects a message, even an empty one, before the first attempt ends.
        listener?.onReceiveMessage?.(null);
        listener?.onReceiveStatus?.({ code: CANCELLED, details: message, metadata });
      }),
    sendMessage: () => undefined,
    sendMessageWithContext: () => undefined,
    startRead: () => undefined,
    halfClose: () => undefined,
    cancelWithStatus: () => undefined,
    getPeer: () => '',
    getAuthContext: () => null,
  };
}

/** The SDK sets no limit for a call that Temporal accepts and does not answer. */
export const answerWithin =
  (ms: number): Interceptor =>
  (options, nextCall) =>
    nextCall({ ...options, deadline: options.deadline ?? Date.now() + ms }) as Call;

/** For `Connection.connect`. */
export const temporalInterceptors: Interceptor[] = [
  makeGrpcRetryInterceptor(defaultGrpcRetryOptions()),
  refuseAfterClose,
];

/**
 * One attempt per call, for messages of the outbox: the dispatcher backs off by itself, and the SDK would
 * hold the place of a call for 40 s while one workflow is busy.
 */
const outboxInterceptors = (answerWithinMs: number): Interceptor[] => [
  answerWithin(answerWithinMs),
  refuseAfterClose,
];

/** For messages of the outbox. */
export const openOutboxConnection = (options: ConnectionOptions, answerWithinMs = 10_000): Connection =>
  Connection.lazy({
    ...options,
    channelArgs: RECONNECTION,
    interceptors: outboxInterceptors(answerWithinMs),
  });
