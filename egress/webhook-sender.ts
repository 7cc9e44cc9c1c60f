/**
 * Sends one attempt of a webhook. Failures of the receiver are returned, never thrown. Redirects are not
 * followed, the egress policy applies, and an attempt ends after 15 s including the body (rules.md 44). Error
 * messages contain no address.
 */
import { setMaxListeners } from 'node:events';
import { Agent, request as sendRequest } from 'undici';
import { BlockedByPolicy, checkUrl, type EgressPolicy } from './egress-policy';
import { createEgressConnect } from './egress-connect';
import { reasonOf } from './http-client';
import { signWebhook } from './webhook-signature';

interface WebhookMessage {
  url: string;
  /** The event's id, the same on every attempt. */
  id: string;
  /** The time of this attempt. */
  at: Date;
  /** Sent unchanged: the signature covers these bytes. */
  body: string;
  /** Newest first. Each one adds a signature. */
  secrets: readonly string[];
  /** Of the receiver, in lower case: sent, and never returned. */
  ownHeaders?: Readonly<Record<string, string>>;
}

export interface WebhookAnswer {
  /** null = no response. */
  status: number | null;
  /** Why the attempt failed, without addresses; null = 2xx. */
  error: string | null;
  /** No complete response in time. */
  isTimeout: boolean;
  /** Aborted by the worker before it succeeded or failed. Does not count as an attempt. */
  isAborted: boolean;
  durationMs: number;
  /** Without the signature. */
  requestHeaders: Record<string, string>;
  responseHeaders: Record<string, string> | null;
  /** Truncated. */
  responseBody: string | null;
}

export interface WebhookSender {
  /** `signal` aborts the attempt. */
  send(message: WebhookMessage, signal: AbortSignal): Promise<WebhookAnswer>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 15_000;
const READ_BYTES_MAX = 16 * 1024;
const KEPT_CHARACTERS_MAX = 4 * 1024;
const BEGINNING_LENGTH_MIN = 4;
const HEADERS_KEPT_MAX = 30;
const HEADER_LENGTH_MAX = 200;
const KEEP_ALIVE_MS = 30_000;

/** Response headers that can contain the receiver's secrets. */
const HEADERS_NOT_KEPT = new Set([
  'set-cookie',
  'set-cookie2',
  'authorization',
  'proxy-authenticate',
  'www-authenticate',
]);

/**
 * Allows https, the ports 443 and 8443 and public addresses, and no user name, unless the operator allows
 * more. @throws BlockedByPolicy
 */
function checkWebhookUrl(policy: EgressPolicy, url: string): URL {
  return checkUrl(policy, url, URL.canParse(url) ? [new URL(url).hostname] : []);
}

export function createWebhookSender({
  policy,
  timeoutMs = TIMEOUT_MS,
}: {
  policy: EgressPolicy;
  timeoutMs?: number;
}): WebhookSender {
  const agent = new Agent({
    connect: createEgressConnect(policy),
    connections: null, // bounded by the attempts of each endpoint; tenants can share a host
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The attempt has a timer of its own, and these two measure only idle time.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    close: () => agent.destroy(),

    async send({ url, id, at, body, secrets, ownHeaders = {} }, signal) {
      const startedAt = performance.now();
      const timestamp = Math.floor(at.getTime() / 1_000);
      const logged = {
        'content-type': 'application/json',
        'user-agent': 'Syncline',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
      };
      const headers = {
        ...ownHeaders,
        ...logged,
        'webhook-signature': signWebhook(secrets, { id, timestamp, body }),
      };
      const hidden = [...secrets, ...secretPartsOf(ownHeaders)];
      const received: PartialResponse = { status: null, headers: null, chunks: [], bytes: 0 };
      const exchange = new TimedRequest(signal, timeoutMs);
      let failure: unknown = null;
      try {
        const target = checkWebhookUrl(policy, url);
        await exchangeOnce(agent, target, { headers, body, signal: exchange.signal }, received);
      } catch (error) {
        failure = error;
      } finally {
        exchange.end();
      }
      return {
        status: received.status,
        error: errorOf(received.status, failure, exchange),
        isTimeout: exchange.isTimeout,
        isAborted: exchange.isAborted,
        durationMs: Math.round(performance.now() - startedAt),
        requestHeaders: { ...hiddenHeaders(ownHeaders), ...logged },
        responseHeaders: received.headers === null ? null : keptHeaders(received.headers, hidden),
        responseBody: received.status === null ? null : keptBody(received.chunks, hidden),
      };
    },
  };
}

/** Shorter values are no secrets, and would make other text unreadable. */
const SECRET_LENGTH_MIN = 6;

/** What must not be kept of a response that repeats the headers: values, tokens, and a decoded password. */
function secretPartsOf(headers: Readonly<Record<string, string>>): string[] {
  const parts = Object.values(headers).flatMap((value) => {
    const [scheme, token = ''] = value.split(/ (.*)/s);
    const decoded = scheme?.toLowerCase() === 'basic' ? Buffer.from(token, 'base64').toString() : '';
    return [value, token, decoded, decoded.slice(decoded.indexOf(':') + 1)];
  });
  return parts.filter((part) => part.length >= SECRET_LENGTH_MIN);
}

function hiddenHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, '[hidden]']));
}

/** The part of the response that has arrived so far. It is kept if the rest never arrives. */
interface PartialResponse {
  status: number | null;
  headers: Record<string, string | string[] | undefined> | null;
  chunks: Buffer[];
  bytes: number;
}

async function exchangeOnce(
  agent: Agent,
  url: URL,
  { headers, body, signal }: { headers: Record<string, string>; body: string; signal: AbortSignal },
  received: PartialResponse,
): Promise<void> {
  const answer = await sendRequest(url, { dispatcher: agent, method: 'POST', headers, body, signal });
  received.status = answer.statusCode;
  received.headers = answer.headers;
  // Leaving the loop early destroys the stream and with it the connection.
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    received.chunks.push(chunk.subarray(0, READ_BYTES_MAX - received.bytes));
    received.bytes += chunk.length;
    if (received.bytes >= READ_BYTES_MAX) return;
  }
}

/**
 * A request with a time limit. It replaces AbortSignal.any, which would keep a reference to the long-lived
 * outer signal.
 */
class TimedRequest {
  isTimeout = false;
  isAborted = false;
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly outer: AbortSignal,
    readonly timeoutMs: number,
  ) {
    setMaxListeners(0, outer);
    this.timer = setTimeout(() => {
      this.isTimeout = true;
      this.controller.abort();
    }, timeoutMs);
    outer.addEventListener('abort', this.abort, { once: true });
    if (outer.aborted) this.abort();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(): void {
    clearTimeout(this.timer);
    this.outer.removeEventListener('abort', this.abort);
  }

  private readonly abort = (): void => {
    this.isAborted = true;
    this.controller.abort();
  };
}

function errorOf(
  status: number | null,
  failure: unknown,
  { isTimeout, isAborted, timeoutMs }: TimedRequest,
): string | null {
  if (isTimeout) return `The receiver did not respond completely within ${timeoutMs / 1_000} s.`;
  if (isAborted) return 'Syncline aborted the attempt.';
  if (failure instanceof BlockedByPolicy) return failure.message;
  if (failure !== null)
    return `The receiver did not respond completely: ${reasonOf(failure, READ_BYTES_MAX)}.`;
  if (status !== null && status >= 300 && status < 400)
    return `The receiver answered ${status}; redirects are not followed.`;
  return status !== null && status >= 200 && status < 300 ? null : `The receiver answered ${status}.`;
}

function keptHeaders(
  headers: Record<string, string | string[] | undefined>,
  secrets: readonly string[],
): Record<string, string> {
  const kept = Object.entries(headers).flatMap(([name, value]): [string, string][] => {
    const key = name.toLowerCase();
    if (value === undefined || HEADERS_NOT_KEPT.has(key)) return [];
    return [
      [key, redacted(Array.isArray(value) ? value.join(', ') : value, secrets).slice(0, HEADER_LENGTH_MAX)],
    ];
  });
  return Object.fromEntries(kept.slice(0, HEADERS_KEPT_MAX));
}

function keptBody(chunks: readonly Buffer[], secrets: readonly string[]): string {
  if (chunks.length === 0) return '';
  // Redacted before it is cut: a part of a secret would not be recognized.
  return redacted(new TextDecoder().decode(Buffer.concat(chunks)), secrets).slice(0, KEPT_CHARACTERS_MAX);
}

/**
 * Removes signing secrets that a receiver echoes, also one that is cut off at the end of the text.
 */
function redacted(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    const key = secret.replace(/^whsec_/, '');
    clean = clean.replaceAll(secret, '[secret]').replaceAll(key, '[secret]');
    const started = Math.max(lengthOfBeginning(clean, secret), lengthOfBeginning(clean, key));
    if (started > 0) clean = `${clean.slice(0, -started)}[secret]`;
  }
  return clean;
}

/**
 * The length of the secret's beginning with which the text ends; 0 if it is shorter than
 * BEGINNING_LENGTH_MIN.
 */
function lengthOfBeginning(text: string, secret: string): number {
  for (let length = secret.length - 1; length >= BEGINNING_LENGTH_MIN; length -= 1)
    if (text.endsWith(secret.slice(0, length))) return length;
  return 0;
}
