import type { Socket } from 'node:net';

/**
 * TCP connections for third parties without HTTP, under the same egress policy. The caller closes the socket.
 * @throws Unavailable if there is no connection (refused, timed out, blocked by policy)
 */
export interface SocketOpener {
  open(target: { host: string; port: number }): Promise<Socket>;
}
