/**
 * Sends one attempt of a webhook. Never throws for what a receiver does: whatever happened is an answer. It
 * follows no redirect, connects only where the egress policy allows, and ends after 15 s, body included
 * (rules.md 44). Error words tell no address.
 */
import { setMaxListeners } from 'node:events';
import { Agent, request as sendRequest } from 'undici';
import { BlockedByPolicy, checkUrl, type EgressPolicy } from './egress-policy';
import { createEgressConnect, reasonOf } from './http-client';
import { signWebhook } from './webhook-signature';

export interface WebhookMessage {
  url: string;
  /** The event's id, the same on every attempt. */
  id: string;
  /** When this attempt is made. */
  at: Date;
  /** Sent as it is: these bytes are what is signed. */
  body: string;
  /** The newest first; all of them sign. */
  secrets: readonly string[];
}

export interface WebhookAnswer {
  /** null = no answer. */
  status: number | null;
  /** Why it counts as no success, in words without addresses; null = 2xx. */
  error: string | null;
  /** No complete answer in time. */
  isTimeout: boolean;
  /** Ended from our side before it could succeed or fail: no attempt. */
  isBrokenOff: boolean;
  durationMs: number;
  /** Without the signature. */
  requestHeaders: Record<string, string>;
  responseHeaders: Record<string, string> | null;
  /** Cut. */
  responseBody: string | null;
}

export interface WebhookSender {
  /** `signal` breaks it off. */
  send(message: WebhookMessage, signal: AbortSignal): Promise<WebhookAnswer>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 15_000;
const READ_BYTES_MAX = 16 * 1024;
const KEPT_CHARACTERS_MAX = 4 * 1024;
const BEGUN_LENGTH_MIN = 4;
const HEADERS_KEPT_MAX = 30;
const HEADER_LENGTH_MAX = 200;
const CONNECTIONS_PER_ORIGIN_MAX = 64;
const KEEP_ALIVE_MS = 30_000;

/** Answers that may hold what is nobody's business but the receiver's. */
const HEADERS_NOT_KEPT = new Set([
  'set-cookie',
  'set-cookie2',
  'authorization',
  'proxy-authenticate',
  'www-authenticate',
]);

/**
 * Throws `BlockedByPolicy`: https, port 443 or 8443, no user name, no address that is not public, unless the
 * operator allows it.
 */
export function checkWebhookUrl(policy: EgressPolicy, url: string): URL {
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
    connections: CONNECTIONS_PER_ORIGIN_MAX,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The attempt's own timer ends everything; these two would only measure silence.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    close: () => agent.destroy(),

    async send({ url, id, at, body, secrets }, signal) {
      const startedAt = performance.now();
      const timestamp = Math.floor(at.getTime() / 1_000);
      const logged = {
        'content-type': 'application/json',
        'user-agent': 'Syncline',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
      };
      const headers = { ...logged, 'webhook-signature': signWebhook(secrets, { id, timestamp, body }) };
      const heard: Heard = { status: null, headers: null, chunks: [], bytes: 0 };
      const exchange = new Exchange(signal, timeoutMs);
      let failure: unknown = null;
      try {
        const target = checkWebhookUrl(policy, url);
        await exchangeOnce(agent, target, { headers, body, signal: exchange.signal }, heard);
      } catch (error) {
        failure = error;
      } finally {
        exchange.end();
      }
      return {
        status: heard.status,
        error: errorOf(heard.status, failure, exchange),
        isTimeout: exchange.isTimeout,
        isBrokenOff: exchange.isBrokenOff,
        durationMs: Math.round(performance.now() - startedAt),
        requestHeaders: logged,
        responseHeaders: heard.headers === null ? null : keptHeaders(heard.headers, secrets),
        responseBody: heard.status === null ? null : keptBody(heard.chunks, secrets),
      };
    },
  };
}

/** What has arrived so far: kept where the rest never comes. */
interface Heard {
  status: number | null;
  headers: Record<string, string | string[] | undefined> | null;
  chunks: Buffer[];
  bytes: number;
}

async function exchangeOnce(
  agent: Agent,
  url: URL,
  { headers, body, signal }: { headers: Record<string, string>; body: string; signal: AbortSignal },
  heard: Heard,
): Promise<void> {
  const answer = await sendRequest(url, { dispatcher: agent, method: 'POST', headers, body, signal });
  heard.status = answer.statusCode;
  heard.headers = answer.headers;
  // Leaving the loop early destroys the stream and with it the connection.
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    heard.chunks.push(chunk.subarray(0, READ_BYTES_MAX - heard.bytes));
    heard.bytes += chunk.length;
    if (heard.bytes >= READ_BYTES_MAX) return;
  }
}

/** Why and when an exchange was ended by us. AbortSignal.any would hold on to the long-lived outer signal. */
class Exchange {
  isTimeout = false;
  isBrokenOff = false;
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
    outer.addEventListener('abort', this.breakOff, { once: true });
    if (outer.aborted) this.breakOff();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(): void {
    clearTimeout(this.timer);
    this.outer.removeEventListener('abort', this.breakOff);
  }

  private readonly breakOff = (): void => {
    this.isBrokenOff = true;
    this.controller.abort();
  };
}

function errorOf(
  status: number | null,
  failure: unknown,
  { isTimeout, isBrokenOff, timeoutMs }: Exchange,
): string | null {
  if (isTimeout) return `The receiver gave no complete answer within ${timeoutMs / 1_000} s.`;
  if (isBrokenOff) return 'The attempt was broken off from our side.';
  if (failure instanceof BlockedByPolicy) return failure.message;
  if (failure !== null) return `The receiver gave no complete answer: ${reasonOf(failure, READ_BYTES_MAX)}.`;
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
  // Before the cut: half a secret would not be known for one.
  return redacted(new TextDecoder().decode(Buffer.concat(chunks)), secrets).slice(0, KEPT_CHARACTERS_MAX);
}

/**
 * A receiver that sends our secrets back does not get them into a log, nor the beginning of one with which
 * the text breaks off.
 */
function redacted(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    const key = secret.replace(/^whsec_/, '');
    clean = clean.replaceAll(secret, '[secret]').replaceAll(key, '[secret]');
    const started = Math.max(lengthBegun(clean, secret), lengthBegun(clean, key));
    if (started > 0) clean = `${clean.slice(0, -started)}[secret]`;
  }
  return clean;
}

/** How much of a secret a text ends with; less than would help anybody to guess it is 0. */
function lengthBegun(text: string, secret: string): number {
  for (let length = secret.length - 1; length >= BEGUN_LENGTH_MIN; length -= 1)
    if (text.endsWith(secret.slice(0, length))) return length;
  return 0;
}
