/** Calls of a connector from a package: with an end, and no request after it. */
import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectorContext, HttpClient } from '../connector';
import type { ConnectorFault } from '../../domain/connector-fault';
import { ConnectorError, Unavailable } from '../errors';

export interface CallLimits {
  /** For `push`, a whole batch; below the time that Temporal gives to an execution. */
  pushMs: number;
  /** For every other call. */
  callMs: number;
  /** The time that a call has to end after its signal was aborted. */
  stopMs: number;
}

export const CALL_LIMITS: CallLimits = { pushMs: 300_000, callMs: 120_000, stopMs: 5_000 };

/** A fault of the package: it is repeated like a call without an answer, and says whose fault it is. */
export class PackageFault extends Unavailable implements ConnectorFault {
  constructor(
    readonly faultyPackage: string,
    member: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`The connector package ${faultyPackage} is faulty: ${member} ${why}.`, null, options);
  }
}

/** The name of an error and the beginning of its message: the stack is for the log. */
export function wordsOf(error: unknown): string {
  const message = textOf(error, 'message');
  return message === undefined
    ? 'something else than an error'
    : `${textOf(error, 'name') ?? 'Error'}: ${message}`.slice(0, 300);
}

/** undefined: it has none, or its code fails. */
export function textOf(error: unknown, member: 'name' | 'message'): string | undefined {
  try {
    const text = ((error ?? {}) as Partial<Error>)[member];
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

/** A promise where none is expected: an unhandled rejection would end the process. */
export function ignoringRejection(result: unknown): unknown {
  if (result instanceof Promise) result.catch(() => undefined);
  return result;
}

/** `ended`: once none of the requests that were sent through it is open. */
export function watchRequests(http: HttpClient): { http: HttpClient; ended(): Promise<void> } {
  const open = new Set<Promise<unknown>>();
  return {
    http: {
      async send(request) {
        const answer = http.send(request);
        open.add(answer);
        try {
          return await answer;
        } finally {
          open.delete(answer);
        }
      },
    },
    async ended() {
      await Promise.allSettled(open);
    },
  };
}

/** What the call threw, as one of the four errors. */
export function asFault(error: unknown, packageName: string, member: string): ConnectorError {
  if (error instanceof ConnectorError) return error;
  return new PackageFault(packageName, member, `threw ${wordsOf(error)}`, { cause: error });
}

/**
 * Gives the work a context that ends with it.
 * @throws PackageFault if the work does not end in time; its later requests and results have no effect
 */
export async function withinLimits<Context extends ConnectorContext, T>(
  {
    context,
    limitMs,
    stopMs,
    packageName,
    member,
  }: {
    context: Context;
    limitMs: number;
    stopMs: number;
    packageName: string;
    member: string;
  },
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  setMaxListeners(0, over.signal); // one for each open socket
  const timers: NodeJS.Timeout[] = [];
  const endAfter = (ms: number, why: string) =>
    new Promise<never>((_resolve, reject) => {
      const end = () => reject(new PackageFault(packageName, member, why));
      timers.push(setTimeout(end, ms));
    });
  const stopped = new Promise<never>((_resolve, reject) => {
    const stop = () => void endAfter(stopMs, 'did not end although it was to stop').catch(reject);
    if (context.signal.aborted) stop();
    else context.signal.addEventListener('abort', stop, { once: true, signal: over.signal });
  });
  try {
    return await Promise.race([
      work(endingContext(context, over.signal)),
      endAfter(limitMs, `took longer than ${limitMs / 1_000} s`),
      stopped,
    ]);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    over.abort();
  }
}

function endingContext<Context extends ConnectorContext>(context: Context, over: AbortSignal): Context {
  const whileOpen = <Given, T>(call: (given: Given) => Promise<T>) => {
    return async (given: Given): Promise<T> => {
      if (over.aborted) throw new Unavailable('Nothing was sent: the call of the connector has ended.');
      return call(given);
    };
  };
  return {
    ...context,
    signal: AbortSignal.any([context.signal, over]),
    http: { send: whileOpen((request) => context.http.send(request)) },
    sockets: { open: whileOpen(async (target) => closedBy(over, await context.sockets.open(target))) },
  };
}

function closedBy(over: AbortSignal, socket: Socket): Socket {
  const close = () => void socket.destroy();
  if (over.aborted) close();
  over.addEventListener('abort', close, { once: true });
  socket.once('close', () => over.removeEventListener('abort', close));
  return socket;
}
