/**
 * Bulk requests (RFC 7644 3.7): the writes of several records in one request. The result of an operation
 * becomes the response that the same write alone would get, so outcomes do not depend on how it was sent.
 * A write goes alone if bulk requests are refused as a whole. An operation without a result has an unknown
 * outcome, like a write whose answer was lost.
 */
import { type JsonObject, type JsonValue, isJsonObject } from '../../../domain/json';
import { asksToSlowDown } from '../../../domain/rate-limit/slow-down';
import type { HttpResponse } from '../../connector';
import { Unavailable } from '../../errors';
import { errorFromResponse, isSuccess } from '../../http-errors';
import { pageBytesMax } from '../../page-size';
import { parseJson } from '../../parse-json';
import {
  answerOf,
  divideIntoRequests,
  sendHalves,
  type SharedOutcome,
  type SharedPush,
} from '../../shared-push';
import type { ScimCalls } from '../calls';
import { describeRefusal } from '../error-mapping';
import { memberNamed } from '../names';

export interface Operation {
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the base URL. */
  path: string;
  /** For If-Match. */
  version?: string | null;
  data?: object;
}

const REQUEST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
/** The size of a request of a service that names no limit. */
const REQUEST_BYTES_MAX = 1024 * 1024;
/** Around the operations. */
const ENVELOPE_BYTES = 200;

/** `alone`: nothing was sent. `unknown`: the answer has no result of this operation, or several. */
type Outcome = SharedOutcome<HttpResponse>;

export class BulkCalls {
  private readonly ask: (operation: Operation) => Promise<Outcome>;

  constructor(
    private readonly calls: ScimCalls,
    private readonly limits: { operationsMax: number; bytesMax: number },
    push: SharedPush,
  ) {
    this.ask = push.sharing({
      divide: (operations) => this.divide(operations),
      send: (operations) => this.sendTogether(operations),
    });
  }

  /**
   * Undefined if the operation must be sent alone: only a call of its own tells whether credentials are
   * refused (401). Throws `Unavailable` if its outcome is unknown, and the errors of a request that the
   * service does not accept at the moment.
   */
  async send(operation: Operation): Promise<HttpResponse | undefined> {
    if (this.calls.memory.isBulkRefused) return undefined;
    const response = answerOf(await this.ask({ ...operation }), 'a bulk request');
    return response?.status === 401 ? undefined : response;
  }

  private divide(operations: readonly Operation[]): Operation[][] {
    return divideIntoRequests(operations, {
      countMax: Math.min(this.limits.operationsMax, this.calls.memory.operationsMax),
      bytesMax: Math.min(this.limits.bytesMax, REQUEST_BYTES_MAX) - ENVELOPE_BYTES,
      bytesOf: (operation) => Buffer.byteLength(JSON.stringify(toJson(operation, operations.length))) + 1,
      keyOf: ({ method, path }) => (method === 'POST' ? undefined : path),
    });
  }

  private async sendTogether(operations: readonly Operation[]): Promise<Outcome[]> {
    const { memory } = this.calls;
    if (operations.length === 1 || memory.isBulkRefused) return operations.map(() => 'alone');
    const response = await this.post(operations);
    if (response.status === 413) {
      // Nothing was applied (RFC 7644 3.7.4).
      memory.operationsMax = Math.min(memory.operationsMax, Math.ceil(operations.length / 2));
      return sendHalves(operations, (half) => this.sendTogether(half));
    }
    const results = isSuccess(response) ? resultsIn(response) : undefined;
    if (results === undefined) return this.refused(operations, response);
    const outcomes = operations.map((operation, index) => results.of(operation, index));
    memory.isBulkRefused ||= outcomes.includes('unknown');
    return outcomes;
  }

  private async post(operations: readonly Operation[]): Promise<HttpResponse> {
    const body = JSON.stringify({
      schemas: [REQUEST_SCHEMA],
      // The service goes on after errors: each record has a result of its own.
      failOnErrors: operations.length,
      Operations: operations.map(toJson),
    });
    const url = `${this.calls.baseUrl()}/Bulk`;
    const responseBytesMax = pageBytesMax(this.calls.context.config);
    try {
      return await this.calls.send({ method: 'POST', url, body, responseBytesMax }, null);
    } catch (error) {
      if (error instanceof Unavailable) this.calls.memory.isBulkRefused = true;
      throw error;
    }
  }

  /** The answer has no results: a refusal of bulk requests (401 too), or of any request at the moment. */
  private refused(operations: readonly Operation[], response: HttpResponse): Outcome[] {
    const { status } = response;
    const isTemporary = [408, 425].includes(status) || asksToSlowDown(response);
    if (!isTemporary && (status === 501 || (status >= 400 && status < 500))) {
      this.calls.memory.isBulkRefused = true;
      return operations.map(() => 'alone');
    }
    if (isTemporary || status >= 500) {
      this.calls.memory.isBulkRefused ||= !isTemporary;
      throw errorFromResponse(response, describeRefusal(null));
    }
    this.calls.memory.isBulkRefused = true;
    throw new Unavailable(`The third party answered ${status} to a bulk request, without results.`, status);
  }
}

/** `bulkId` is for creations only (RFC 7644 3.7); a result of another operation names the resource. */
function toJson({ method, path, version, data }: Operation, index: number): object {
  return {
    method,
    path,
    ...(method === 'POST' ? { bulkId: bulkIdOf(index) } : {}),
    ...(version == null ? {} : { version }),
    ...(data === undefined ? {} : { data }),
  };
}

const bulkIdOf = (index: number): string => `op-${index}`;

interface Results {
  of(operation: Operation, index: number): Outcome;
}

/** Undefined if the response is no BulkResponse. */
function resultsIn({ text }: HttpResponse): Results | undefined {
  const body = parseJson(text);
  const results = isJsonObject(body) ? memberNamed(body, 'Operations') : undefined;
  if (!Array.isArray(results)) return undefined;
  const byKey = new Map<string, JsonObject[]>();
  for (const result of results.filter(isJsonObject)) {
    const key = keyOf(result);
    byKey.set(key, [...(byKey.get(key) ?? []), result]);
  }
  return {
    of({ method, path }, index) {
      const found = byKey.get(method === 'POST' ? bulkIdOf(index) : lastParts(path)) ?? [];
      return found.length === 1 ? toResponse(found[0] as JsonObject) : 'unknown';
    },
  };
}

/** The results can be in any order. */
function keyOf(result: JsonObject): string {
  const [method, bulkId] = [memberNamed(result, 'method'), memberNamed(result, 'bulkId')];
  const isCreation = typeof method !== 'string' || method.toUpperCase() === 'POST';
  return isCreation && typeof bulkId === 'string' ? bulkId : pathOf(memberNamed(result, 'location'));
}

function toResponse(result: JsonObject): Outcome {
  const status = statusOf(memberNamed(result, 'status'));
  if (status === undefined) return 'unknown';
  const body = memberNamed(result, 'response');
  const [location, version] = [memberNamed(result, 'location'), memberNamed(result, 'version')];
  return {
    status,
    headers: {
      ...(typeof location === 'string' ? { location } : {}),
      ...(typeof version === 'string' ? { etag: version } : {}),
    },
    text: isJsonObject(body) ? JSON.stringify(body) : '',
  };
}

/** A text; drafts of the standard had numbers and `{ "code": "201" }`. */
function statusOf(value: JsonValue | undefined): number | undefined {
  const text = isJsonObject(value) ? memberNamed(value, 'code') : value;
  const status = Number(text);
  return Number.isInteger(status) && status >= 200 && status <= 599 ? status : undefined;
}

function pathOf(location: JsonValue | undefined): string {
  return typeof location === 'string' ? lastParts(location.split(/[?#]/)[0] as string) : '';
}

/** `Users/42` of an address or a path: base URLs behind proxies differ. */
function lastParts(address: string): string {
  return address
    .split('/')
    .filter((part) => part !== '')
    .slice(-2)
    .map(decoded)
    .join('/');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
