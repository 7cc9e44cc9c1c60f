/**
 * Tunnels through the operator's HTTP proxy (CONNECT). The proxy gets the host name and resolves it. A name
 * that this machine can resolve is checked here too. A name that only the proxy can resolve is left to it.
 */
import { request as requestByHttp } from 'node:http';
import { request as requestByHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { addressesOf, areAllowedByOperator, BlockedByPolicy, type EgressPolicy } from './egress-policy';

interface Target {
  host: string;
  port: number;
}

/** The proxy did not open the tunnel. `code` says why, without addresses. */
class NoTunnel extends Error {
  constructor(
    readonly code: 'PROXY_UNREACHABLE' | 'PROXY_CREDENTIALS' | 'PROXY_REFUSED' | 'PROXY_TARGET_UNREACHABLE',
    options?: ErrorOptions,
  ) {
    super(code, options);
  }
}

/**
 * A socket to the target through the proxy; undefined if there is no proxy, or if the operator allows the
 * target's network, which is reached without it. @throws BlockedByPolicy or NoTunnel
 */
export async function openTunnel(
  policy: EgressPolicy,
  { host, port }: Target,
  timeoutMs: number,
): Promise<Socket | undefined> {
  if (policy.proxy === undefined) return undefined;
  const addresses = await addressesOf(policy, host).catch((error: unknown) => {
    if (error instanceof BlockedByPolicy) throw error;
    return []; // Only the proxy can resolve the name.
  });
  if (addresses.length > 0 && areAllowedByOperator(policy, addresses)) return undefined;
  return connectThrough(new URL(policy.proxy), { host, port }, timeoutMs);
}

function connectThrough(proxy: URL, { host, port }: Target, timeoutMs: number): Promise<Socket> {
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const headers = {
    host: authority,
    ...(credentials === ':'
      ? {}
      : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }),
  };
  const send = proxy.protocol === 'https:' ? requestByHttps : requestByHttp;
  return new Promise((resolve, reject) => {
    const asked = send({
      host: proxy.hostname.replaceAll(/[[\]]/g, ''),
      port: proxy.port === '' ? undefined : Number(proxy.port),
      method: 'CONNECT',
      path: authority,
      headers,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
    });
    asked.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        return reject(new NoTunnel(reasonOf(statusCode)));
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    // A proxy that answers without a tunnel, such as a web server.
    asked.once('response', (response) => {
      response.destroy();
      reject(new NoTunnel('PROXY_REFUSED'));
    });
    asked.once('error', (cause) => reject(new NoTunnel('PROXY_UNREACHABLE', { cause })));
    asked.end();
  });
}

function reasonOf(status: number): NoTunnel['code'] {
  if (status === 407) return 'PROXY_CREDENTIALS';
  return status >= 500 ? 'PROXY_TARGET_UNREACHABLE' : 'PROXY_REFUSED';
}
