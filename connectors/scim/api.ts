/**
 * The SCIM calls (RFC 7644) of a push. Each returns parsed resources or throws one of the four errors. The
 * server's features are read once per batch from its ServiceProviderConfig (RFC 7643 5).
 */
import type { JsonObject } from '../../domain/json';
import type { KeptMembers } from '../http';
import type { ConnectorContext, HttpRequest, HttpResponse, PushItem } from '../connector';
import { Unavailable } from '../errors';
import { errorFromResponse, isSuccess } from '../http-errors';
import { pageBytesMax } from '../page-size';
import { checkSameId } from '../same-id';
import type { ResourceTypeConfig, ScimConfig, ScimCredentials } from './config';
import { describeRefusal } from './error-mapping';
import { patchOperations } from './merge';
import { keptAttributes } from './kept-attributes';
import { AttributeNames, respell } from './names';
import { type Paging, firstPage, nextPage, pageQuery } from './paging';
import {
  type Features,
  type Resource,
  idFromLocation,
  readFeatures,
  readList,
  readResource,
  requireResource,
} from './responses';

const PAGE_SIZE = 100;
/** The maximum number of pages of a search. Only a server that ignores filters comes near. */
const PAGES_MAX = 1000;
/** The server does not implement PATCH, contrary to its ServiceProviderConfig (RFC 9110 15.5.6, 15.6.2). */
const PATCH_REFUSED = [405, 501];
/** The server has no ServiceProviderConfig. */
const NOT_OFFERED = [400, 403, 404, 405, 501];

export class ScimApi {
  private features: Promise<Features> | undefined;
  private isPatchRefused = false;
  private readonly names = new Map<ResourceTypeConfig, AttributeNames>();

  constructor(private readonly context: ConnectorContext<ScimConfig, ScimCredentials>) {}

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

  /** RFC 7644 3.4.1. Undefined if the resource does not exist. */
  async read(type: ResourceTypeConfig, id: string): Promise<Resource | undefined> {
    const response = await this.call({ method: 'GET', url: this.resourceUrl(type, id) }, null, [404, 410]);
    if (!isSuccess(response)) return undefined;
    const resource = requireResource(response, this.namesOf(type));
    checkSameId(id, resource.id, 'read');
    return resource;
  }

  /**
   * All resources whose attribute has exactly this value (RFC 7644 3.4.2.2, paged by 3.4.2.4). Servers may
   * ignore a filter or compare without regard to case, so every result is compared again with `matches`.
   */
  async find(
    type: ResourceTypeConfig,
    attribute: string,
    value: string,
    matches: (resource: Resource) => boolean,
  ): Promise<Resource[]> {
    const found = new Map<string, Resource>();
    const seen = new Set<string>();
    const features = await this.readFeatures();
    // The value of a filter is a JSON string (RFC 7644 3.4.2.2), so JSON is its only escaping.
    const filter = features.canFilter ? { filter: `${attribute} eq ${JSON.stringify(value)}` } : {};
    const count = Math.min(PAGE_SIZE, features.canFilter ? features.filteredMax : features.pageSizeMax);
    let paging: Paging | null = firstPage(features);
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const response = await this.list(type, { ...filter, ...pageQuery(paging, count) });
      const list = readList(response, this.namesOf(type));
      const isNews = list.resources.some(({ id }) => !seen.has(id));
      for (const resource of list.resources) {
        seen.add(resource.id);
        if (matches(resource)) found.set(resource.id, resource);
      }
      paging = isNews ? nextPage(paging, { ...list, total: list.total ?? list.items.length }) : null;
      if (paging === null) return [...found.values()];
    }
    throw new Unavailable(`A search for one resource returned more than ${PAGES_MAX * PAGE_SIZE} resources.`);
  }

  /** RFC 7644 3.3. Returns `conflict` for 409: the same or a similar resource exists. */
  async create(
    type: ResourceTypeConfig,
    attributes: JsonObject,
    item: PushItem,
  ): Promise<Resource | { conflict: HttpResponse }> {
    const response = await this.call(
      { method: 'POST', url: this.collectionUrl(type), body: JSON.stringify(attributes) },
      item,
      [409],
    );
    if (response.status === 409) return { conflict: response };
    const created = readResource(response, this.namesOf(type));
    const id = created?.id ?? idFromLocation(response.headers['location']);
    if (id === undefined)
      throw new Unavailable(
        `The third party answered ${response.status} to a creation, but without the new id.`,
        response.status,
      );
    return (
      created ?? {
        id,
        externalId: item.externalId,
        version: response.headers['etag'] ?? null,
        attributes,
        theirs: new Map(),
      }
    );
  }

  /**
   * Writes `merged` over `current`, by PATCH or PUT depending on the server, in the spelling of the server.
   * Returns `same` if nothing differs, and `conflict` for 409 and 412 (RFC 7644 3.14).
   */
  async update(
    type: ResourceTypeConfig,
    current: Resource,
    merged: JsonObject,
    item: PushItem,
  ): Promise<
    { version: string | null; shown: JsonObject | undefined } | { conflict: HttpResponse } | 'gone' | 'same'
  > {
    const { theirs } = current;
    const wanted = respell(merged, theirs);
    const operations = patchOperations(respell(current.attributes, theirs), wanted);
    if (operations.length === 0) return 'same';
    const isPatch = await this.canPatch();
    // An integration that is set to PATCH has no other way.
    const refusals = isPatch && this.context.config.update_with === 'auto' ? PATCH_REFUSED : [];
    const isVersioned = current.version !== null && (await this.readFeatures()).hasVersions;
    const body = isPatch
      ? { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations }
      : wanted;
    const response = await this.call(
      {
        method: isPatch ? 'PATCH' : 'PUT',
        url: this.resourceUrl(type, current.id),
        headers: isVersioned ? { 'if-match': current.version ?? '' } : {},
        body: JSON.stringify(body),
      },
      item,
      [404, 409, 410, 412, ...refusals],
    );
    if (refusals.includes(response.status)) {
      this.isPatchRefused = true;
      return this.update(type, current, merged, item);
    }
    if (response.status === 409 || response.status === 412) return { conflict: response };
    if (!isSuccess(response)) return 'gone';
    const updated = readResource(response, this.namesOf(type));
    if (updated !== undefined) checkSameId(current.id, updated.id, 'written');
    return { version: response.headers['etag'] ?? updated?.version ?? null, shown: updated?.attributes };
  }

  /** RFC 7644 3.6. False if the resource did not exist. */
  async remove(type: ResourceTypeConfig, id: string, item: PushItem): Promise<boolean> {
    return isSuccess(
      await this.call({ method: 'DELETE', url: this.resourceUrl(type, id) }, item, [404, 410]),
    );
  }

  /** The error of a response that was returned as `conflict` and could not be resolved. */
  refusal(response: HttpResponse, item: PushItem): Error {
    if (response.status === 412)
      return new Unavailable('The record keeps changing in the third party (412).', 412);
    return errorFromResponse(response, describeRefusal(item));
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

  private async canPatch(): Promise<boolean> {
    const { update_with: setting } = this.context.config;
    if (setting !== 'auto') return setting === 'patch';
    return !this.isPatchRefused && (await this.readFeatures()).canPatch;
  }

  /** What the server can do (RFC 7643 5), read once per context. */
  readFeatures(): Promise<Features> {
    this.features ??= this.call(
      { method: 'GET', url: `${this.baseUrl()}/ServiceProviderConfig` },
      null,
      NOT_OFFERED,
    ).then(readFeatures);
    return this.features;
  }

  /**
   * Sends one request. Returns 2xx and the `expected` statuses, and throws one of the four errors for any
   * other.
   */
  private async call(
    request: HttpRequest,
    item: PushItem | null,
    expected: readonly number[] = [],
  ): Promise<HttpResponse> {
    const contentType =
      request.body === undefined ? {} : { 'content-type': this.context.config.content_type };
    const key = item === null ? {} : { 'idempotency-key': item.pushId };
    const response = await this.context.http.send({
      ...request,
      headers: { ...this.headers(), ...contentType, ...key, ...request.headers },
    });
    if (isSuccess(response) || expected.includes(response.status)) return response;
    throw errorFromResponse(response, describeRefusal(item));
  }

  private headers(): Record<string, string> {
    const { credentials } = this.context;
    const authorization =
      'token' in credentials
        ? `Bearer ${credentials.token}`
        : `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64')}`;
    return { accept: 'application/scim+json, application/json', authorization };
  }

  private baseUrl(): string {
    return this.context.config.base_url.replace(/\/+$/, '');
  }

  private collectionUrl(type: ResourceTypeConfig): string {
    return this.baseUrl() + type.endpoint;
  }

  private resourceUrl(type: ResourceTypeConfig, id: string): string {
    return `${this.collectionUrl(type)}/${encodeURIComponent(id)}`;
  }
}

/** Spaces as `%20`, because some servers read a plus sign as a plus sign. */
function toQuery(parameters: Record<string, string>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}
