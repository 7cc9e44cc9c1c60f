/**
 * TCP connections for third parties without HTTP, under the same egress policy as the HTTP client: only to
 * the hosts and ports that the configuration names, and only to allowed addresses.
 */
import { setMaxListeners } from 'node:events';
import { type Socket, connect, isIP } from 'node:net';
import type { SocketOpener } from '../connectors/connector';
import { NOTHING_ANSWERS, Unavailable } from '../connectors/errors';
import { BlockedByPolicy, type EgressPolicy, checkAddress, createCheckedLookup } from './egress-policy';
import { openTunnel } from './proxy-tunnel';

const CONNECT_TIMEOUT_MS = 5_000;

export interface SocketOpenerOptions {
  policy: EgressPolicy;
  /** The result of `connector.hosts(config)`, as `host:port`. */
  hosts: readonly string[];
  /** Closes the sockets when aborted. */
  signal: AbortSignal;
  /** From name resolution to the connection. */
  timeoutMs?: number;
}

export function createSocketOpener({
  policy,
  hosts,
  signal,
  timeoutMs = CONNECT_TIMEOUT_MS,
}: SocketOpenerOptions): SocketOpener {
  setMaxListeners(0, signal); // one listener per open socket, removed when it closes
  return {
    async open({ host, port }) {
      try {
        if (!hosts.includes(`${host}:${port}`))
          throw new BlockedByPolicy('Blocked by policy: the configuration does not name this host and port.');
        if (isIP(host) !== 0) checkAddress(policy, host);
        if (signal.aborted) throw new Error('The worker is stopping.');
        const tunnel = await openTunnel(policy, { host, port }, timeoutMs);
        const socket =
          tunnel ?? connect({ host, port, lookup: createCheckedLookup(policy), autoSelectFamily: true });
        endWith(signal, socket);
        if (tunnel !== undefined) return withErrorListener(tunnel);
        return await connected(socket, timeoutMs);
      } catch (error) {
        if (error instanceof BlockedByPolicy) throw new Unavailable(error.message, null, { cause: error });
        throw new Unavailable(NOTHING_ANSWERS, null, { cause: error });
      }
    },
  };
}

/**
 * Node's own `signal` option would keep its listener, and with it the socket, until the worker ends.
 */
function endWith(signal: AbortSignal, socket: Socket): void {
  const end = () => socket.destroy(new Error('The worker is stopping.'));
  signal.addEventListener('abort', end, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', end));
}

/** An error event without a listener would end the process. The user of the socket listens to `close`. */
function withErrorListener(socket: Socket): Socket {
  return socket.on('error', () => undefined);
}

function connected(socket: Socket, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error('The connection timed out.')), timeoutMs);
    withErrorListener(socket).once('error', reject);
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}
