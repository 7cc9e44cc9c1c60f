/** Connections under the egress policy: directly or by its proxy, and with a client certificate if wanted. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import type { ClientIdentity } from '../connectors/http';
import { Unauthorized } from '../connectors/errors';
import { checkAddress, createCheckedLookup, type EgressPolicy } from './egress-policy';
import { openTunnel } from './proxy-tunnel';

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Checks literal addresses here, because Node does not call `lookup` for them, and names in the lookup, whose
 * result the socket connects to. TLS still verifies the name. This check does not depend on the URL.
 */
export function createEgressConnect(
  policy: EgressPolicy,
  identity?: ClientIdentity,
): buildConnector.connector {
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    autoSelectFamily: true,
    lookup: createCheckedLookup(policy),
    ...(policy.ca === undefined && identity === undefined
      ? {}
      : { secureContext: secureContextOf(policy, identity) }),
  });
  return (options, callback) => {
    try {
      if (isIP(options.hostname) !== 0) checkAddress(policy, options.hostname);
    } catch (error) {
      return callback(error as Error, null);
    }
    if (policy.proxy === undefined) return connect(options, callback);
    const { hostname: host, protocol } = options;
    const port = Number(options.port) || (protocol === 'https:' ? 443 : 80);
    openTunnel(policy, { host, port }, CONNECT_TIMEOUT_MS).then(
      (tunnel) => {
        if (tunnel === undefined) connect(options, callback);
        else if (protocol === 'https:') connect({ ...options, httpSocket: tunnel }, callback);
        else callback(null, tunnel);
      },
      (error: Error) => callback(error, null),
    );
  };
}

/** `ca` replaces the usual authorities of Node.js, so they are named, too. */
function secureContextOf({ ca }: EgressPolicy, identity: ClientIdentity | undefined): SecureContext {
  const extra = process.env['NODE_EXTRA_CA_CERTS'];
  const authorities =
    ca === undefined
      ? {}
      : { ca: [...rootCertificates, ...(extra === undefined ? [] : [readFileSync(extra, 'utf8')]), ca] };
  if (identity === undefined) return createSecureContext(authorities);
  try {
    return createSecureContext({ ...authorities, cert: identity.certificate, key: identity.key });
  } catch (error) {
    const { code = 'unknown' } = error as { code?: string };
    throw new Unauthorized(
      `TLS does not accept the client certificate or its key (${code}). Enter another pair.`,
    );
  }
}
