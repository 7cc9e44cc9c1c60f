/** A caller of the real API: over HTTP, by key, as any program outside would be. */
import { setTimeout as sleep } from 'node:timers/promises';

/** As JSON has it; what a test looks at, it asserts. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
  /** From the first byte sent to the last one received. */
  durationMs: number;
}

export class ApiClient {
  constructor(
    readonly url: string,
    readonly key: string,
  ) {}

  /** Throws only where there is no complete answer. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const startedAt = performance.now();
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== '' ? JSON.parse(text) : text,
      durationMs: performance.now() - startedAt,
    };
  }

  /** The body of a 2xx; throws on every other answer. */
  async must(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Json> {
    const answer = await this.call(method, path, body, headers);
    if (answer.status >= 200 && answer.status <= 299) return answer.body;
    throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }

  /**
   * Repeats while the API cannot be reached or answers 429 or 503, ever more slowly, as a good client does;
   * gives up after `timeoutMs`.
   */
  async persist(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    timeoutMs = 120_000,
  ): Promise<Answer> {
    const deadline = performance.now() + timeoutMs;
    for (let pauseMs = 100; ; pauseMs = Math.min(2 * pauseMs, 1_600)) {
      // By `then`, for an error from outside Jest's realm is no `instanceof Error` here.
      const { answer, error } = await this.call(method, path, body, headers).then(
        (given) => ({ answer: given, error: undefined }),
        (cause: unknown) => ({ answer: undefined, error: cause }),
      );
      if (answer !== undefined && answer.status !== 503 && answer.status !== 429) return answer;
      if (performance.now() > deadline)
        throw new Error(`${method} ${path} is still answered ${answer?.status ?? 'nothing'}`, {
          cause: error,
        });
      await sleep(pauseMs);
    }
  }

  // What journeys do all the time.
  put = (externalId: string, fields: object, more: object = {}) =>
    this.must('PUT', recordPath(externalId), { fields, ...more });
  patch = (externalId: string, fields: object) => this.must('PATCH', recordPath(externalId), { fields });
  remove = (externalId: string) => this.must('DELETE', recordPath(externalId));
  record = (externalId: string) => this.must('GET', recordPath(externalId));

  /** The state of one record sync as the record shows it. */
  async sync(externalId: string, integrationId: string): Promise<Json> {
    const { syncs } = await this.record(externalId);
    return (syncs as Json[]).find((sync) => sync.integration_id === integrationId);
  }

  act = (act: string, integrationId: string, externalId: string) =>
    this.call('POST', `/v1/integrations/${integrationId}${recordPath(externalId).slice(3)}/${act}`);

  /** All pages of a list. */
  async list(path: string): Promise<Json[]> {
    const items: Json[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Json = await this.must(
        'GET',
        `${path}${path.includes('?') ? '&' : '?'}limit=200${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      items.push(...page.data);
      cursor = page.next_cursor;
    }
    return items;
  }
}

export const recordPath = (externalId: string): string =>
  `/v1/records/employees/${encodeURIComponent(externalId)}`;
