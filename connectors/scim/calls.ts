/**
 * The requests of SCIM (RFC 7644), unparsed, and what a service can do: its ServiceProviderConfig (RFC 7643
 * 5) is read once per open connector.
 */
import { pageBytesMax } from '../page-size';
import type { ConnectorContext, HttpRequest, HttpResponse, PushItem } from '../connector';
import { Unavailable } from '../errors';
import { errorFromResponse, isSuccess } from '../http-errors';
import type { KeptMembers } from '../http';
import type { ResourceTypeConfig, ScimConfig, ScimCredentials } from './config';
import { describeRefusal } from './error-mapping';
import { keptAttributes } from './kept-attributes';
import { AttributeNames } from './names';
import { type Paging, firstPage, nextPage, pageQuery } from './paging';
import { type Features, type Resource, readFeatures, readList } from './responses';
import type { ServiceMemory } from './service-memory';

const PAGE_SIZE = 100;
/** The maximum number of pages of a search. Only a server that ignores filters comes near. */
const PAGES_MAX = 1000;
/** The server does not publish it, or not for this account. */
const NOT_OFFERED = [400, 403, 404, 405, 501];

export class ScimCalls {
  private readonly names = new Map<ResourceTypeConfig, AttributeNames>();

  constructor(
    readonly context: ConnectorContext<ScimConfig, ScimCredentials>,
    readonly memory: ServiceMemory,
  ) {}

  /** The attributes that reading needs; undefined: all of them. */
  keptOf(recordType: string, type: ResourceTypeConfig): KeptMembers | undefined {
    return keptAttributes(type, this.context.mappings[recordType]);
  }

  /** The names of this type's attributes as its mapping writes them. */
  namesOf(type: ResourceTypeConfig): AttributeNames {
    const { config, mappings } = this.context;
    const recordType = Object.keys(config.record_types).find((name) => config.record_types[name] === type);
    const names = this.names.get(type) ?? new AttributeNames(type, mappings[recordType ?? '']);
    this.names.set(type, names);
    return names;
  }

  /** Calls `onResource` for each resource that a filter finds, page by page; without one, for all. */
  async search(
    type: ResourceTypeConfig,
    filter: string | undefined,
    onResource: (resource: Resource) => void,
  ): Promise<void> {
    const seen = new Set<string>();
    const features = await this.readFeatures();
    const filtered: Record<string, string> = filter === undefined ? {} : { filter };
    const count = Math.min(PAGE_SIZE, filter === undefined ? features.pageSizeMax : features.filteredMax);
    let paging: Paging | null = firstPage(features);
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const response = await this.list(type, { ...filtered, ...pageQuery(paging, count) });
      const list = readList(response, this.namesOf(type));
      const isNews = list.resources.some(({ id }) => !seen.has(id));
      for (const resource of list.resources) {
        seen.add(resource.id);
        onResource(resource);
      }
      paging = isNews ? nextPage(paging, { ...list, total: list.total ?? list.items.length }) : null;
      if (paging === null) return;
    }
    throw new Unavailable(`A search for one resource returned more than ${PAGES_MAX * PAGE_SIZE} resources.`);
  }

  /**
   * One page of a collection, unparsed. `query`: parameters of RFC 7644 3.4.2. Returns 2xx and the `expected`
   * statuses.
   */
  list(
    type: ResourceTypeConfig,
    query: Record<string, string>,
    expected: readonly number[] = [],
    kept?: KeptMembers,
  ): Promise<HttpResponse> {
    return this.call(
      {
        method: 'GET',
        url: `${this.collectionUrl(type)}?${toQuery(query)}`,
        responseBytesMax: pageBytesMax(this.context.config),
        kept,
      },
      null,
      expected,
    );
  }

  /** The schemas of the server (RFC 7644 4); undefined if it publishes none. */
  async schemas(): Promise<HttpResponse | undefined> {
    const response = await this.call(
      {
        method: 'GET',
        url: `${this.baseUrl()}/Schemas`,
        responseBytesMax: pageBytesMax(this.context.config),
      },
      null,
      NOT_OFFERED,
    );
    return isSuccess(response) ? response : undefined;
  }

  /** The first page of a collection, unparsed; for `check`. */
  async probe(type: ResourceTypeConfig): Promise<HttpResponse> {
    return this.context.http.send({
      method: 'GET',
      url: `${this.collectionUrl(type)}?startIndex=1&count=1`,
      headers: this.headers(),
    });
  }

  /** What the server can do (RFC 7643 5). After a 401, the calls of records judge the credentials. */
  async readFeatures(): Promise<Features> {
    this.memory.features ??= this.call(
      { method: 'GET', url: `${this.baseUrl()}/ServiceProviderConfig` },
      null,
      [...NOT_OFFERED, 401],
    ).then(readFeatures);
    try {
      return await this.memory.features;
    } catch (error) {
      this.memory.features = undefined;
      throw error;
    }
  }

  /** Returns 2xx and the `expected` statuses, and throws one of the four errors for any other. */
  async call(
    request: HttpRequest,
    item: PushItem | null,
    expected: readonly number[] = [],
  ): Promise<HttpResponse> {
    const response = await this.send(request, item);
    if (isSuccess(response) || expected.includes(response.status)) return response;
    throw errorFromResponse(response, describeRefusal(item));
  }

  /** Sends one request, with the credentials. */
  send(request: HttpRequest, item: PushItem | null): Promise<HttpResponse> {
    const contentType =
      request.body === undefined ? {} : { 'content-type': this.context.config.content_type };
    const key = item === null ? {} : { 'idempotency-key': item.pushId };
    return this.context.http.send({
      ...request,
      headers: { ...this.headers(), ...contentType, ...key, ...request.headers },
    });
  }

  baseUrl(): string {
    return this.context.config.base_url.replace(/\/+$/, '');
  }

  private headers(): Record<string, string> {
    const { credentials } = this.context;
    const authorization =
      'token' in credentials
        ? `Bearer ${credentials.token}`
        : `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64')}`;
    return { accept: 'application/scim+json, application/json', authorization };
  }

  private collectionUrl(type: ResourceTypeConfig): string {
    return this.baseUrl() + type.endpoint;
  }
}

/** The value of a filter is a JSON string (RFC 7644 3.4.2.2), so JSON is its only escaping. */
export function equals(attribute: string, value: string): string {
  return `${attribute} eq ${JSON.stringify(value)}`;
}

/** Spaces as `%20`, because some servers read a plus sign as a plus sign. */
function toQuery(parameters: Record<string, string>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}
