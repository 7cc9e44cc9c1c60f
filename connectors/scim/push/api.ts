/**
 * What a push does with resources of SCIM (RFC 7644). Each call returns parsed resources or throws one of the
 * four errors. The records of a batch share calls: see `bulk.ts` and `shared-searches.ts`.
 */
import type { JsonObject } from '../../../domain/json';
import type { HttpResponse, PushItem } from '../../connector';
import { CreatedWithoutId, Unavailable } from '../../errors';
import { errorFromResponse, isSuccess } from '../../http-errors';
import { checkSameId } from '../../same-id';
import type { BulkCalls, Operation } from './bulk';
import { type ScimCalls, equals } from '../calls';
import type { ResourceTypeConfig } from '../config';
import { describeRefusal } from '../error-mapping';
import { patchOperations } from '../merge';
import { type AttributeNames, respell } from '../names';
import { type Resource, idFromLocation, readResource, requireReadable, requireResource } from '../responses';
import type { SharedSearches } from './shared-searches';

/** The server does not implement PATCH, contrary to its ServiceProviderConfig (RFC 9110 15.5.6, 15.6.2). */
const PATCH_REFUSED = [405, 501];

interface Created {
  id: string;
  version: string | null;
  shown: JsonObject | undefined;
}

export class ScimApi {
  /** @param shared absent for a record that shares no call with others */
  constructor(
    private readonly calls: ScimCalls,
    private readonly shared?: { writes: BulkCalls; searches: SharedSearches },
  ) {}

  namesOf(type: ResourceTypeConfig): AttributeNames {
    return this.calls.namesOf(type);
  }

  /** RFC 7644 3.4.1. Undefined if the resource does not exist. */
  async read(type: ResourceTypeConfig, id: string): Promise<Resource | undefined> {
    // A PUT sends the whole resource back, and a list may show less of it.
    if (this.shared !== undefined && (await this.canPatch())) {
      const found = await this.shared.searches.read(type, id);
      if (found !== undefined) return found;
    }
    const url = this.calls.baseUrl() + resourcePath(type, id);
    const response = await this.calls.call({ method: 'GET', url }, null, [404, 410]);
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
    const shared = await this.shared?.searches.find(type, attribute, value, matches);
    if (shared !== undefined) return shared;
    const found = new Map<string, Resource>();
    const { canFilter } = await this.calls.readFeatures();
    await this.calls.search(type, canFilter ? equals(attribute, value) : undefined, (resource) => {
      if (matches(resource)) found.set(resource.id, resource);
    });
    return [...found.values()];
  }

  /**
   * RFC 7644 3.3. Returns `conflict` for 409: the same or a similar resource exists. `withoutId`: the
   * resource was created, and the answer has no id.
   */
  async create(
    type: ResourceTypeConfig,
    attributes: JsonObject,
    item: PushItem,
  ): Promise<Created | { conflict: HttpResponse } | { withoutId: CreatedWithoutId }> {
    const operation = { method: 'POST', path: type.endpoint, data: attributes } as const;
    const response = await this.write(operation, item, [409]);
    if (response.status === 409) return { conflict: response };
    requireReadable(response);
    const created = readResource(response, this.namesOf(type));
    const id = created?.id ?? idFromLocation(response.headers['location']);
    if (id === undefined) {
      const message = `The third party answered ${response.status} to a creation, but without the new id.`;
      return { withoutId: new CreatedWithoutId(message, true, item.pushId) };
    }
    const version = created?.version ?? response.headers['etag'] ?? null;
    return { id, version, shown: created?.attributes };
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
    const refusals = isPatch && this.calls.context.config.update_with === 'auto' ? PATCH_REFUSED : [];
    const isVersioned = current.version !== null && (await this.calls.readFeatures()).hasVersions;
    const body = isPatch
      ? { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations }
      : wanted;
    const response = await this.write(
      {
        method: isPatch ? 'PATCH' : 'PUT',
        path: resourcePath(type, current.id),
        version: isVersioned ? current.version : null,
        data: body,
      },
      item,
      [404, 409, 410, 412, ...refusals],
    );
    if (refusals.includes(response.status)) {
      this.calls.memory.isPatchRefused = true;
      return this.update(type, current, merged, item);
    }
    if (response.status === 409 || response.status === 412) return { conflict: response };
    if (!isSuccess(response)) return 'gone';
    const updated = readResource(response, this.namesOf(type));
    if (updated === undefined) requireReadable(response);
    if (updated !== undefined) checkSameId(current.id, updated.id, 'written');
    return { version: response.headers['etag'] ?? updated?.version ?? null, shown: updated?.attributes };
  }

  /** RFC 7644 3.6. False if the resource did not exist. */
  async remove(type: ResourceTypeConfig, id: string, item: PushItem): Promise<boolean> {
    const operation = { method: 'DELETE', path: resourcePath(type, id) } as const;
    const response = await this.write(operation, item, [404, 410]);
    if (!isSuccess(response)) return false;
    requireReadable(response);
    return true;
  }

  /** The error of a response that was returned as `conflict` and could not be resolved. */
  refusal(response: HttpResponse, item: PushItem): Error {
    if (response.status === 412)
      return new Unavailable('The record keeps changing in the third party (412).', 412);
    return errorFromResponse(response, describeRefusal(item));
  }

  private async canPatch(): Promise<boolean> {
    const { update_with: setting } = this.calls.context.config;
    if (setting !== 'auto') return setting === 'patch';
    return !this.calls.memory.isPatchRefused && (await this.calls.readFeatures()).canPatch;
  }

  /** Returns 2xx and the `expected` statuses. */
  private async write(
    operation: Operation,
    item: PushItem,
    expected: readonly number[],
  ): Promise<HttpResponse> {
    const { method, path, version = null, data } = operation;
    const response =
      (await this.shared?.writes.send(operation)) ??
      (await this.calls.send(
        {
          method,
          url: this.calls.baseUrl() + path,
          headers: version === null ? {} : { 'if-match': version },
          ...(data === undefined ? {} : { body: JSON.stringify(data) }),
        },
        item,
      ));
    if (isSuccess(response) || expected.includes(response.status)) return response;
    throw errorFromResponse(response, describeRefusal(item));
  }
}

function resourcePath(type: ResourceTypeConfig, id: string): string {
  return `${type.endpoint}/${encodeURIComponent(id)}`;
}
