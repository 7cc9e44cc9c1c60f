/** TCP connections for third parties that speak no HTTP, behind the same gate as the HTTP client: named hosts, checked addresses, no other port. */
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

export function createSocketOpener({ policy, hosts, signal, timeoutMs = CONNECT_TIMEOUT_MS }: SocketOpenerOptions): SocketOpener {
  return {
    async open({ host, port }) {
      try {
        if (!hosts.includes(`${host}:${port}`)) throw new BlockedByPolicy('Blocked by policy: the configuration does not name this host and port.');
        if (isIP(host) !== 0) checkAddress(policy, host);
        return await connected(connect({ host, port, lookup: createCheckedLookup(policy), autoSelectFamily: true, signal }), timeoutMs);
      } catch (error) {
        if (error instanceof BlockedByPolicy) throw new Unavailable(error.message, null, { cause: error });
        throw new Unavailable('The third party accepted no connection.', null, { cause: error });
      }
    },
  };
}

function connected(socket: Socket, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error('No connection in time.')), timeoutMs);
    // Stays on: a socket that breaks while nobody listens would otherwise end the process. Whoever uses it hears of the end by `close`.
    socket.on('error', reject);
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}
