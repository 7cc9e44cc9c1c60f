/**
 * Sends attempts of webhooks. Failures of the receiver are returned, never thrown. Redirects are not
 * followed, the egress policy applies, and an attempt ends after 15 s including the body (rules.md 44). Error
 * messages contain no address.
 */
import type { KeyObject } from 'node:crypto';
import { Agent } from 'undici';
import { BlockedByPolicy, checkUrl, type EgressPolicy } from './egress-policy';
import { createEgressConnect } from './egress-connect';
import { reasonOf } from './http-client';
import { READ_BYTES_MAX, WebhookExchange } from './webhook-exchange';
import { hiddenHeaders, hiddenTexts, keptBody, KeptHeaders } from './webhook-log';
import { signingKeys, signWebhook } from './webhook-signature';

interface WebhookReceiver {
  url: string;
  /** Newest first. Each one adds a signature. */
  secrets: readonly string[];
  /** Headers that the receiver needs, in lower case. They are sent, and never returned. */
  ownHeaders?: Readonly<Record<string, string>>;
}

interface WebhookMessage {
  /** The event's id, the same on every attempt. */
  id: string;
  /** The time of this attempt. */
  at: Date;
  /** Sent unchanged: the signature covers these bytes. */
  body: string;
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
  responseHeaders: Readonly<Record<string, string>> | null;
  /** Truncated. */
  responseBody: string | null;
}

/** One attempt. */
export type SendWebhook = (message: WebhookMessage) => Promise<WebhookAnswer>;

export interface WebhookSender {
  /**
   * For attempts at one receiver: its address is checked and its keys are read once. `signal` aborts the
   * attempts in progress, and all later ones.
   */
  to(receiver: WebhookReceiver, signal: AbortSignal): SendWebhook;
  close(): Promise<void>;
}

const TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 30_000;

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
    to(receiver, signal) {
      const target = new WebhookTarget({ agent, policy, timeoutMs, signal }, receiver);
      return (message) => target.send(message);
    },
  };
}

interface Sending {
  agent: Agent;
  policy: EgressPolicy;
  timeoutMs: number;
  signal: AbortSignal;
}

class WebhookTarget {
  private readonly inProgress = new Set<WebhookExchange>();
  private readonly address: { origin: string; path: string } | BlockedByPolicy;
  private readonly keys: KeyObject[];
  private readonly ownHeaders: Readonly<Record<string, string>>;
  private readonly hiddenHeaders: Readonly<Record<string, string>>;
  private readonly hiddenTexts: readonly string[];
  private readonly keptHeaders: KeptHeaders;

  constructor(
    private readonly sending: Sending,
    { url, secrets, ownHeaders = {} }: WebhookReceiver,
  ) {
    this.address = addressOf(sending.policy, url);
    this.keys = signingKeys(secrets);
    this.ownHeaders = ownHeaders;
    this.hiddenHeaders = hiddenHeaders(ownHeaders);
    this.hiddenTexts = hiddenTexts(secrets, ownHeaders);
    this.keptHeaders = new KeptHeaders(this.hiddenTexts);
    sending.signal.addEventListener('abort', () => {
      for (const exchange of this.inProgress) exchange.abort();
    });
  }

  send({ id, at, body }: WebhookMessage): Promise<WebhookAnswer> {
    const startedAt = performance.now();
    const timestamp = Math.floor(at.getTime() / 1_000);
    const logged = {
      'content-type': 'application/json',
      'user-agent': 'Syncline',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
    };
    const headers = {
      ...this.ownHeaders,
      ...logged,
      'webhook-signature': signWebhook(this.keys, { id, timestamp, body }),
    };
    return new Promise((resolve) => {
      const exchange = new WebhookExchange(this.sending.timeoutMs, (ended) => {
        this.inProgress.delete(ended);
        resolve(this.answerOf(ended, logged, performance.now() - startedAt));
      });
      this.inProgress.add(exchange);
      this.begin(exchange, headers, body);
    });
  }

  private begin(exchange: WebhookExchange, headers: Record<string, string>, body: string): void {
    const { agent, signal } = this.sending;
    if (this.address instanceof BlockedByPolicy) exchange.fail(this.address);
    else if (signal.aborted) exchange.abort();
    else agent.dispatch({ ...this.address, method: 'POST', headers, body }, exchange);
  }

  private answerOf(
    exchange: WebhookExchange,
    logged: Record<string, string>,
    durationMs: number,
  ): WebhookAnswer {
    const { status, headers, chunks, isTimeout, isAborted } = exchange;
    return {
      status,
      error: errorOf(exchange, this.sending.timeoutMs),
      isTimeout,
      isAborted,
      durationMs: Math.round(durationMs),
      requestHeaders: { ...this.hiddenHeaders, ...logged },
      responseHeaders: headers === null ? null : this.keptHeaders.of(headers),
      responseBody: status === null ? null : keptBody(chunks, this.hiddenTexts),
    };
  }
}

/**
 * Allows https, the ports 443 and 8443 and public addresses, and no user name, unless the operator allows
 * more.
 */
function addressOf(policy: EgressPolicy, url: string): { origin: string; path: string } | BlockedByPolicy {
  try {
    const { origin, pathname, search } = checkUrl(
      policy,
      url,
      URL.canParse(url) ? [new URL(url).hostname] : [],
    );
    return { origin, path: `${pathname}${search}` };
  } catch (error) {
    if (error instanceof BlockedByPolicy) return error;
    throw error;
  }
}

function errorOf(
  { status, failure, isTimeout, isAborted }: WebhookExchange,
  timeoutMs: number,
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
