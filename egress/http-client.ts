/**
 * The gated HTTP client: the only way a connector reaches the network. It follows no redirect, reads no proxy
 * settings, connects only where the egress policy and the integration's hosts allow, and bounds an exchange
 * in time and size, body included. Whatever is not a complete answer becomes `Unavailable`, in words that
 * tell a tenant no address.
 */
import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import { Agent, buildConnector, errors, request as sendRequest } from 'undici';
import type { HttpClient, HttpRequest, HttpResponse } from '../connectors/connector';
import { Unavailable } from '../connectors/errors';
import {
  BlockedByPolicy,
  type EgressPolicy,
  checkAddress,
  checkUrl,
  createCheckedLookup,
} from './egress-policy';

export interface HttpClientOptions {
  /** One object per process: connections are pooled by policy and shared by all clients made with it. */
  policy: EgressPolicy;
  /** What `connector.hosts(config)` answers. */
  hosts: readonly string[];
  /** Ends every exchange when aborted. */
  signal: AbortSignal;
  /** For a whole exchange, from the name's resolution to the last byte of the body. */
  timeoutMs?: number;
}

const EXCHANGE_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;
const RESPONSE_BYTES_MAX = 1024 * 1024;
/** What a request may ask for at most. */
const LARGE_RESPONSE_BYTES_MAX = 16 * 1024 * 1024;
const CONNECTIONS_PER_ORIGIN_MAX = 64;

const agents = new WeakMap<EgressPolicy, Agent>();

/** A client for one integration; cheap to make, one per batch. */
export function createHttpClient({
  policy,
  hosts,
  signal,
  timeoutMs = EXCHANGE_TIMEOUT_MS,
}: HttpClientOptions): HttpClient {
  setMaxListeners(0, signal); // one per exchange under way, each taken off again
  return {
    async send(request) {
      // AbortSignal.any would hold on to the long-lived outer signal; a controller of our own is let go of in
      // `finally`.
      const exchange = new AbortController();
      const stop = () => exchange.abort(new Stopped('the worker stops'));
      const timer = setTimeout(
        () => exchange.abort(new Stopped(`no complete answer within ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      try {
        const url = checkUrl(policy, request.url, hosts);
        return await exchangeOnce(agentOf(policy), url, request, exchange.signal);
      } catch (error) {
        throw unavailable(error, exchange.signal, bytesMaxOf(request));
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
      }
    },
  };
}

/** Closes the pooled connections of a policy; for shutting down. */
export async function closeConnections(policy: EgressPolicy): Promise<void> {
  const agent = agents.get(policy);
  agents.delete(policy);
  await agent?.destroy();
}

async function exchangeOnce(
  agent: Agent,
  url: URL,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const { statusCode, headers, body } = await sendRequest(url, {
    dispatcher: agent,
    method: request.method,
    headers: { 'user-agent': 'Syncline', ...request.headers },
    body: request.body ?? null,
    signal,
  });
  // undici's signal covers the body too: an abort destroys the stream while it is read.
  const text = await textOf(body, bytesMaxOf(request));
  return { status: statusCode, headers: joinHeaders(headers), text };
}

/** Leaving the loop early, as a throw does, destroys the stream and with it the connection. */
async function textOf(body: AsyncIterable<Buffer>, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new errors.ResponseExceededMaxSizeError();
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function bytesMaxOf({ responseBytesMax = RESPONSE_BYTES_MAX }: HttpRequest): number {
  return Math.min(responseBytesMax, LARGE_RESPONSE_BYTES_MAX);
}

function agentOf(policy: EgressPolicy): Agent {
  const known = agents.get(policy);
  if (known) return known;
  const agent = new Agent({
    connect: createEgressConnect(policy),
    connections: CONNECTIONS_PER_ORIGIN_MAX,
    pipelining: 1,
    maxResponseSize: LARGE_RESPONSE_BYTES_MAX,
    // These two measure silence, not duration, and would only blur the message: the exchange's own timer ends
    // everything.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  agents.set(policy, agent);
  return agent;
}

/**
 * Node never calls `lookup` for an address written as such, so literals are checked here and names in the
 * lookup, whose answer is what the socket connects to. The name stays the one TLS asks for and verifies. This
 * gate holds whatever the URL looked like.
 */
export function createEgressConnect(policy: EgressPolicy): buildConnector.connector {
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    autoSelectFamily: true,
    lookup: createCheckedLookup(policy),
  });
  return (options, callback) => {
    try {
      if (isIP(options.hostname) !== 0) checkAddress(policy, options.hostname);
    } catch (error) {
      return callback(error as Error, null);
    }
    return connect(options, callback);
  };
}

function joinHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Why an exchange was ended by us. */
class Stopped extends Error {}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'it refused the connection',
  ECONNRESET: 'it closed the connection before it had answered',
  UND_ERR_SOCKET: 'it closed the connection before it had answered',
  EPIPE: 'it closed the connection before it had answered',
  ENOTFOUND: 'its host name is not known',
  EAI_AGAIN: 'its host name could not be resolved',
  UND_ERR_CONNECT_TIMEOUT: 'it did not accept a connection in time',
  ETIMEDOUT: 'it did not accept a connection in time',
  UND_ERR_INVALID_ARG:
    'the request cannot be sent as it is: look for odd characters in the credentials or headers',
};

/**
 * Node's own messages hold addresses, so none of them is passed on; the error itself stays as `cause`, for
 * the log.
 */
function unavailable(error: unknown, signal: AbortSignal, bytesMax: number): Unavailable {
  if (error instanceof BlockedByPolicy) return new Unavailable(error.message, null, { cause: error });
  const reason = signal.reason instanceof Stopped ? signal.reason.message : reasonOf(error, bytesMax);
  return new Unavailable(`The third party gave no complete answer: ${reason}.`, null, { cause: error });
}

/** Why there was no complete answer, in words that hold no address. */
export function reasonOf(error: unknown, bytesMax: number): string {
  const code =
    typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
      ? error.code
      : 'unknown';
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return `its answer is larger than ${bytesMax} bytes`;
  const isCertificate = /CERT|TLS|SSL|SIGNATURE|ALTNAME/.test(code);
  return (
    REASONS[code] ??
    (isCertificate ? `its certificate is not accepted (${code})` : `the network failed (${code})`)
  );
}
