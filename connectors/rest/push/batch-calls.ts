/**
 * Calls that several records share, as the `batch` of a call configures them. The result of an item becomes
 * the response that the call would get alone, so outcomes do not depend on how it was sent. A call that is
 * refused as a whole has changed nothing: it is divided, until the refused records are alone. An item without
 * a result has an unknown outcome, like a call whose answer was lost.
 */
import { type JsonObject, type JsonValue, isJsonObject } from '../../../domain/json';
import type { HttpRequest, HttpResponse } from '../../connector';
import { RecordRejected, Unauthorized, Unavailable, WrongAddress } from '../../errors';
import {
  answerOf,
  divideIntoRequests,
  sendHalves,
  type SharedOutcome,
  type SharedPush,
} from '../../shared-push';
import type { RestConfig } from '../config/config';
import type { BatchConfig } from '../config/config-batch';
import type { CallConfig } from '../config/config-call';
import { type CallsOfBatch, type RecordCalls, type Sending, requestTo, variablesOf } from '../http/calls';
import { NO_FIELDS, isTrueOf, readAnswer, rulesFor } from '../http/response-rules';
import type { Session } from '../http/session';
import { UnusableValue, fillJson, fillText, jsonVariables, type Variables } from '../http/templates';
import { parseJson, placeAt, readAt } from '../json-pointer';

/** The size of the items of one call. */
const BYTES_MAX = 1024 * 1024;
/** A batch whose records are refused again and again is not divided further: the others are sent alone. */
const REFUSALS_MAX = 16;

interface Item {
  content: JsonValue;
  /** What its result repeats; undefined: results are in the order of the items. */
  key: string | undefined;
  bytes: number;
}

/** `alone`: nothing was sent. `unknown`: the answer has no result of this item, or several. */
type Outcome = SharedOutcome<HttpResponse>;

export class BatchCalls implements CallsOfBatch {
  private readonly kinds = new Map<BatchConfig, KindOfCall>();

  constructor(
    private readonly config: RestConfig,
    private readonly session: Session,
    private readonly push: SharedPush,
  ) {}

  async send(
    calls: RecordCalls,
    call: CallConfig,
    sending: Sending,
    request: HttpRequest,
  ): Promise<HttpResponse | undefined> {
    const { batch } = call;
    if (batch === undefined) return undefined;
    const own = new Set(
      Object.keys({ ...call.headers, ...sending.headers }).map((name) => name.toLowerCase()),
    );
    const headers = Object.entries(request.headers ?? {}).filter(([name]) => own.has(name));
    const item = this.itemOf(batch, calls, sending.remoteId, {
      request,
      headers: Object.fromEntries(headers),
    });
    if (item === undefined) return undefined;
    const kind = this.kinds.get(batch) ?? new KindOfCall(this.config, batch, this.session, this.push);
    this.kinds.set(batch, kind);
    return answerOf(await kind.ask(item), 'a batch');
  }

  /** Undefined if the item cannot express the call: its preconditions, or a value that the record lacks. */
  private itemOf(
    batch: BatchConfig,
    calls: RecordCalls,
    remoteId: Sending['remoteId'],
    { request, headers }: { request: HttpRequest; headers: Record<string, string> },
  ): Item | undefined {
    if (Object.keys(headers).length > 0 && !jsonVariables(batch.item).includes('headers')) return undefined;
    const single: JsonObject = {
      method: request.method,
      path: request.url.slice(this.config.base_url.replace(/\/+$/, '').length),
      headers,
      ...(request.body === undefined ? {} : { body: parseJson(request.body) ?? null }),
    };
    const ofRecord = variablesOf(calls.recordType, calls.item, remoteId);
    const variables: Variables = (name) => (Object.hasOwn(single, name) ? single[name] : ofRecord(name));
    try {
      const content = fillJson(batch.item, variables);
      const key = batch.match === 'position' ? undefined : fillText(batch.match.value, variables);
      return { content, key, bytes: Buffer.byteLength(JSON.stringify(content)) };
    } catch (error) {
      if (error instanceof UnusableValue) return undefined;
      throw error;
    }
  }
}

class KindOfCall {
  readonly ask: (item: Item) => Promise<Outcome>;
  private isRefused = false;
  private refusals = 0;
  private itemsMax: number;

  constructor(
    private readonly config: RestConfig,
    private readonly batch: BatchConfig,
    private readonly session: Session,
    push: SharedPush,
  ) {
    this.itemsMax = batch.max;
    this.ask = push.sharing<Item, Outcome>({
      divide: (items) => this.divide(items),
      send: (items) => this.sendTogether(items),
    });
  }

  private divide(items: readonly Item[]): Item[][] {
    return divideIntoRequests(items, {
      countMax: this.itemsMax,
      bytesMax: BYTES_MAX,
      bytesOf: ({ bytes }) => bytes,
      keyOf: ({ key }) => key,
    });
  }

  private async sendTogether(items: readonly Item[]): Promise<Outcome[]> {
    if (items.length === 1 || this.isRefused || this.refusals >= REFUSALS_MAX)
      return items.map(() => 'alone');
    const response = await this.session.send(this.requestOf(items));
    const answer = readAnswer(response, rulesFor(this.config), NO_FIELDS, this.session.quotable);
    if (answer.meaning === 'done') return this.outcomes(items, answer.body);
    const { error } = answer;
    // Only a call of its own tells whether the credentials are refused.
    if (error instanceof Unauthorized) return this.refused(items);
    // Nothing was applied, and one item may be the cause.
    const isRefusal = error instanceof RecordRejected && !(error instanceof WrongAddress);
    if ([413, 501].includes(response.status) || (isRefusal && response.status >= 400))
      return this.divided(items, response.status);
    throw error instanceof RecordRejected ? new Unavailable(error.message, response.status) : error;
  }

  private async divided(items: readonly Item[], status: number): Promise<Outcome[]> {
    if ([404, 405, 501].includes(status)) return this.refused(items);
    if (status === 413) this.itemsMax = Math.min(this.itemsMax, Math.ceil(items.length / 2));
    else this.refusals += 1;
    return sendHalves(items, (half) => this.sendTogether(half));
  }

  private refused(items: readonly Item[]): Outcome[] {
    this.isRefused = true;
    return items.map(() => 'alone');
  }

  private requestOf(items: readonly Item[]): HttpRequest {
    const { method, path, headers, body, items_at: itemsAt } = this.batch;
    const list = items.map(({ content }) => content);
    // The calls of a batch concern no single record, so they know no variables.
    const request = requestTo(this.config, { path, headers }, method, () => undefined);
    return {
      ...request,
      headers: { 'content-type': 'application/json', ...request.headers },
      body: JSON.stringify(itemsAt === '' ? list : placeAt(body, itemsAt, list)),
      responseBytesMax: 'page',
    };
  }

  private outcomes(items: readonly Item[], body: JsonValue | undefined): Outcome[] {
    const results = readAt(body, this.batch.results_at);
    if (!Array.isArray(results)) return items.map(() => 'unknown');
    const { match } = this.batch;
    if (match === 'position')
      return items.map((_, index) =>
        results.length === items.length ? this.toResponse(results[index] as JsonValue) : 'unknown',
      );
    const byKey = new Map<string | undefined, JsonValue[]>();
    for (const result of results) {
      const key = textOf(readAt(result, match.at));
      byKey.set(key, [...(byKey.get(key) ?? []), result]);
    }
    return items.map(({ key }) => {
      const [result, ...others] = byKey.get(key) ?? [];
      return result === undefined || others.length > 0 ? 'unknown' : this.toResponse(result);
    });
  }

  private toResponse(result: JsonValue): Outcome {
    const { status_at: statusAt, headers_at: headersAt, answer_at: answerAt, error_at: errorAt } = this.batch;
    const isRefused = errorAt !== undefined && isTrueOf({ at: errorAt }, result);
    const status = statusAt === undefined ? (isRefused ? 422 : 200) : Number(readAt(result, statusAt));
    if (!Number.isInteger(status) || status < 200 || status > 599) return 'unknown';
    const answer = readAt(result, isRefused ? errorAt : answerAt);
    const headers = headersAt === undefined ? undefined : readAt(result, headersAt);
    return {
      status,
      headers: isJsonObject(headers) ? headersOf(headers) : {},
      text: answer === undefined ? '' : JSON.stringify(answer),
    };
  }
}

function headersOf(values: JsonObject): Record<string, string> {
  const texts = Object.entries(values).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name.toLowerCase(), value]] : [],
  );
  return Object.fromEntries(texts) as Record<string, string>;
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
