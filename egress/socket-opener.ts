/**
 * TCP connections for third parties that speak no HTTP, behind the same gate as the HTTP client: named hosts,
 * checked addresses, no other port.
 */
import { setMaxListeners } from 'node:events';
import { type Socket, connect, isIP } from 'node:net';
import type { SocketOpener } from '../connectors/connector';
import { Unavailable } from '../connectors/errors';
import { BlockedByPolicy, type EgressPolicy, checkAddress, createCheckedLookup } from './egress-policy';

const CONNECT_TIMEOUT_MS = 5_000;

export interface SocketOpenerOptions {
  policy: EgressPolicy;
  /** What `connector.hosts(config)` answers, as `host:port`. */
  hosts: readonly string[];
  /** Ends the sockets when aborted. */
  signal: AbortSignal;
  /** From the name's resolution to the connection. */
  timeoutMs?: number;
}

export function createSocketOpener({
  policy,
  hosts,
  signal,
  timeoutMs = CONNECT_TIMEOUT_MS,
}: SocketOpenerOptions): SocketOpener {
  setMaxListeners(0, signal); // one per open socket, each taken off again
  return {
    async open({ host, port }) {
      try {
        if (!hosts.includes(`${host}:${port}`))
          throw new BlockedByPolicy('Blocked by policy: the configuration does not name this host and port.');
        if (isIP(host) !== 0) checkAddress(policy, host);
        if (signal.aborted) throw new Error('The worker stops.');
        const socket = connect({ host, port, lookup: createCheckedLookup(policy), autoSelectFamily: true });
        endWith(signal, socket);
        return await connected(socket, timeoutMs);
      } catch (error) {
        if (error instanceof BlockedByPolicy) throw new Unavailable(error.message, null, { cause: error });
        throw new Unavailable('The third party accepted no connection.', null, { cause: error });
      }
    },
  };
}

/**
 * Node's own `signal` option keeps its listener, and with it the socket, for as long as the signal lives: a
 * worker's life.
 */
function endWith(signal: AbortSignal, socket: Socket): void {
  const end = () => socket.destroy(new Error('The worker stops.'));
  signal.addEventListener('abort', end, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', end));
}

function connected(socket: Socket, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error('No connection in time.')), timeoutMs);
    // Stays on: a socket that breaks while nobody listens would otherwise end the process. Whoever uses it
    // hears of the end by `close`.
    socket.on('error', reject);
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}
