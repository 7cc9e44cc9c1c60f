/**
 * The HTTP client under the egress policy, the only one for connectors. It follows no redirects, uses no
 * proxy but that of the policy, and connects only where the egress policy and the hosts of the integration
 * allow. A request is limited in time and size, body included. An incomplete response becomes `Unavailable`,
 * with a message that contains no address.
 */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Agent, request as sendRequest } from 'undici';
import type { ClientIdentity, HttpClient, HttpRequest, HttpResponse } from '../connectors/http';
import { Unauthorized, Unavailable, WrongAddress } from '../connectors/errors';
import { NoRoom, PageMemory } from '../connectors/page-memory';
import { createEgressConnect } from './egress-connect';
import { BlockedByPolicy, type EgressPolicy, checkUrl } from './egress-policy';
import {
  type AnswerLimits,
  answerLimits,
  boundedText,
  bytesMaxOf,
  LARGE_RESPONSE_BYTES_MAX,
} from './limits/answer-limits';
import { BytesUnderWay } from './limits/bytes-under-way';
import { Capacities } from '../domain/capacity';
import { readBody, UnreadableBody } from './response-body';

export interface HttpClientOptions {
  /** One object per process: connections are pooled by policy and shared by all clients made with it. */
  policy: EgressPolicy;
  /** The result of `connector.hosts(config)`. */
  hosts: readonly string[];
  /** Aborts every request when aborted. */
  signal: AbortSignal;
  /** Calls are bounded per integration, the bytes of answers per tenant. */
  owner?: { tenantId: string; integrationId: string };
  /** One object per process: it counts the memory of all answers. */
  limits?: AnswerLimits;
  /** Presented in TLS connections, which only calls with the same one share. */
  identity?: ClientIdentity | undefined;
  /** For a whole request, from name resolution to the last byte of the response. */
  timeoutMs?: number;
}

const EXCHANGE_TIMEOUT_MS = 30_000;
/** Of an integration, at the same time. */
export const CALLS_MAX = 64;
const callsOf = new Capacities(CALLS_MAX);
const usualLimits = answerLimits();

interface Agents {
  plain: Agent;
  /** By the hash of the identity, the longest unused first. */
  withIdentity: Map<string, Agent>;
}
const agents = new WeakMap<EgressPolicy, Agents>();
const IDENTITIES_MAX = 500;

/** A client for one integration. Cheap to create: one per batch. */
export function createHttpClient({
  policy,
  hosts,
  signal,
  owner = { tenantId: '', integrationId: '' },
  limits = usualLimits,
  identity,
  timeoutMs = EXCHANGE_TIMEOUT_MS,
}: HttpClientOptions): HttpClient {
  setMaxListeners(0, signal); // one listener per request in progress, removed when it ends
  return {
    async send(request) {
      await callsOf.take(owner.integrationId, 1, signal).catch((cause: unknown) => {
        throw new Unavailable('Nothing was sent: the worker is stopping.', null, { cause });
      });
      // AbortSignal.any would keep a reference to the long-lived outer signal; this controller is released in
      // `finally`. Its time begins when the call may begin.
      const exchange = new AbortController();
      const stop = () => exchange.abort(new Stopped('the worker is stopping'));
      const timer = setTimeout(
        () => exchange.abort(new Stopped(`no complete response within ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      const held = new BytesUnderWay(limits.memory, owner.tenantId, exchange.signal);
      const page = request.responseBytesMax === undefined ? undefined : PageMemory.current;
      page?.release();
      try {
        const url = checkUrl(policy, request.url, hosts);
        const exchanged = { signal: exchange.signal, held, bytesMax: bytesMaxOf(request, limits) };
        const response = await exchangeOnce(agentOf(policy, identity), url, request, exchanged);
        page?.hold(() => held.release());
        return response;
      } catch (error) {
        held.release();
        throw failureOf(error, exchange.signal, request, limits);
      } finally {
        held.releaseText();
        if (page === undefined) held.release();
        callsOf.release(owner.integrationId, 1);
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
      }
    },
  };
}

/** Closes the pooled connections of a policy, at shutdown. */
export async function closeConnections(policy: EgressPolicy): Promise<void> {
  const known = agents.get(policy);
  agents.delete(policy);
  if (known === undefined) return;
  await Promise.all([known.plain, ...known.withIdentity.values()].map((agent) => agent.destroy()));
}

async function exchangeOnce(
  agent: Agent,
  url: URL,
  request: HttpRequest,
  { signal, held, bytesMax }: { signal: AbortSignal; held: BytesUnderWay; bytesMax: number },
): Promise<HttpResponse> {
  const { statusCode, headers, body } = await sendRequest(url, {
    dispatcher: agent,
    method: request.method,
    headers: { 'user-agent': 'Syncline', ...request.headers },
    body: request.body ?? null,
    signal,
  });
  // undici's signal covers the body too: an abort destroys the stream.
  const read = await readBody(body, headers, bytesMax, (count) => held.takeText(count));
  const isSuccess = statusCode >= 200 && statusCode < 300;
  const text = await boundedText(read, request, { isSuccess, held, signal });
  return { status: statusCode, headers: joinHeaders(headers), text };
}

function agentOf(policy: EgressPolicy, identity: ClientIdentity | undefined): Agent {
  const known = agents.get(policy) ?? { plain: createAgent(policy), withIdentity: new Map<string, Agent>() };
  agents.set(policy, known);
  if (identity === undefined) return known.plain;
  const hash = createHash('sha256').update(identity.certificate).update(identity.key).digest('base64');
  const agent = known.withIdentity.get(hash) ?? createAgent(policy, identity);
  known.withIdentity.delete(hash);
  known.withIdentity.set(hash, agent);
  const [[oldest, unused] = []] = known.withIdentity;
  if (oldest !== undefined && known.withIdentity.size > IDENTITIES_MAX) {
    known.withIdentity.delete(oldest);
    void unused?.close();
  }
  return agent;
}

const createAgent = (policy: EgressPolicy, identity?: ClientIdentity): Agent =>
  new Agent({
    connect: createEgressConnect(policy, identity),
    connections: null, // bounded by the calls of each integration
    pipelining: 1,
    maxResponseSize: LARGE_RESPONSE_BYTES_MAX,
    // These two measure idle time, not duration. The request has a timer of its own with a clearer message.
    headersTimeout: 0,
    bodyTimeout: 0,
  });

function joinHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** The reason why the client aborted a request. */
class Stopped extends Error {}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'it refused the connection',
  ECONNRESET: 'it closed the connection too early',
  UND_ERR_SOCKET: 'it closed the connection too early',
  EPIPE: 'it closed the connection too early',
  ENOTFOUND: 'its host name does not exist',
  EAI_AGAIN: 'its host name could not be resolved',
  UND_ERR_CONNECT_TIMEOUT: 'it did not accept a connection in time',
  ETIMEDOUT: 'it did not accept a connection in time',
  PROXY_UNREACHABLE: 'the egress proxy of Syncline does not answer',
  PROXY_CREDENTIALS: 'the egress proxy of Syncline wants other credentials',
  PROXY_REFUSED: 'the egress proxy of Syncline does not allow the connection',
  PROXY_TARGET_UNREACHABLE: 'it did not accept the connection of the egress proxy',
  UND_ERR_INVALID_ARG: 'the request is not valid: check the credentials and headers for special characters',
};

const SMALLER_PAGES = ' Let it send smaller pages, or set page_mib of the configuration.';

/** What undici and OpenSSL say about a response that does not begin like one of HTTP or TLS. */
const NOT_HTTP = /Expected HTTP\/|Invalid HTTP version|Invalid status code|Invalid method/i;
const NOT_TLS = /wrong version number|packet length too long|http request/i;

/**
 * Node's own messages contain addresses, so they are not passed on. The error itself is the `cause`, for the
 * log.
 */
function failureOf(
  error: unknown,
  signal: AbortSignal,
  request: HttpRequest,
  limits: AnswerLimits,
): Unauthorized | Unavailable | WrongAddress {
  // A client certificate that cannot be presented.
  if (error instanceof Unauthorized) return error;
  // Without its cause, which contains what the server sent.
  if (isOtherProtocol(error))
    return new WrongAddress(
      'The server speaks another protocol than the address says. Check the scheme (http or https) and the port.',
      'not_http',
    );
  if (error instanceof BlockedByPolicy || error instanceof NoRoom)
    return new Unavailable(error.message, null, { cause: error });
  const reason =
    signal.reason instanceof Stopped ? signal.reason.message : reasonOf(error, bytesMaxOf(request, limits));
  const advice = isTooLarge(error) && request.responseBytesMax !== undefined ? SMALLER_PAGES : '';
  return new Unavailable(`The third party did not respond completely: ${reason}.${advice}`, null, {
    cause: error,
  });
}

/** A broken body is no such case. */
function isOtherProtocol(error: unknown): boolean {
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
  if (name === 'HTTPParserError') return NOT_HTTP.test(String(message));
  return /^(?:EPROTO|ERR_SSL_)/.test(codeOf(error)) && NOT_TLS.test(String(message));
}

/** The reason for an incomplete response, without addresses. */
export function reasonOf(error: unknown, bytesMax: number): string {
  if (error instanceof UnreadableBody) return error.message;
  const code = codeOf(error);
  if (isTooLarge(error)) return `its response is larger than ${bytesMax} bytes`;
  if (/ALERT_.*(?:CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/.test(code))
    return `it does not accept the client certificate, or needs one (${code})`;
  const isCertificate = /CERT|TLS|SSL|SIGNATURE|ALTNAME/.test(code);
  return (
    REASONS[code] ??
    (isCertificate ? `its certificate is not trusted (${code})` : `the network failed (${code})`)
  );
}

const isTooLarge = (error: unknown): boolean => codeOf(error) === 'UND_ERR_RES_EXCEEDED_MAX_SIZE';

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'unknown';
}
