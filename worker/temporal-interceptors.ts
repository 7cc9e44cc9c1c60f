/**
 * The SDK's own retries, without their one flaw: a call that waits for its retry while the connection is closed throws out of a timer
 * and ends the process. Here it is answered CANCELLED instead, and so is one that is made after the connection was closed.
 */
import {
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';

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

function refusedCall({
  message,
}: Error): Pick<Call, 'start' | 'sendMessage' | 'halfClose' | 'cancelWithStatus' | 'getPeer'> {
  return {
    start: (metadata, listener) =>
      void setImmediate(() => {
        // The SDK counts on having been given a message, if only an empty one, before a first attempt ends.
        listener?.onReceiveMessage?.(null);
        listener?.onReceiveStatus?.({ code: CANCELLED, details: message, metadata });
      }),
    sendMessage: () => undefined,
    halfClose: () => undefined,
    cancelWithStatus: () => undefined,
    getPeer: () => '',
  };
}

/** For `Connection.connect`. */
export const temporalInterceptors: Interceptor[] = [
  makeGrpcRetryInterceptor(defaultGrpcRetryOptions()),
  refuseAfterClose,
];
