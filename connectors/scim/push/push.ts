/** The push of one record over SCIM: find, merge, write. `index.ts` lists its guarantees. */
import { forUpdate } from '../../payload-of-update';
import { type JsonObject, type JsonValue, isJsonObject } from '../../../domain/json';
import type { ConnectorContext, HttpResponse, PushItem, PushResult } from '../../connector';
import { CreatedWithoutId, RecordRejected, Unavailable } from '../../errors';
import type { ScimApi } from './api';
import type { ResourceTypeConfig, ScimConfig, ScimCredentials } from '../config';
import { readError, toAttributePath } from '../error-mapping';
import { type ListRules, isExtension, listRules, mergeResource } from '../merge';
import { attributePath } from '../names';
import type { Resource } from '../responses';

type Pushed = Extract<PushResult, { ok: true }>;

/** An outdated version is re-read once; after that a later attempt repeats the push. */
const WRITE_ATTEMPTS_MAX = 2;

/** Pushes records over SCIM. */
export class ScimPush {
  constructor(
    private readonly api: ScimApi,
    private readonly context: ConnectorContext<ScimConfig, ScimCredentials>,
  ) {}

  /** Pushes one record. Throws one of the four errors. */
  async pushRecord(item: PushItem): Promise<Pushed> {
    const type = this.context.config.record_types[item.recordType];
    if (!type)
      throw rejected('unknown_record_type', `The configuration has no record type ${item.recordType}.`);
    switch (item.operation) {
      case 'upsert':
        return this.upsert(item, type);
      case 'deactivate':
        return this.deactivate(item, type);
      case 'delete':
        return this.remove(item, type);
    }
  }

  private async upsert(item: PushItem, type: ResourceTypeConfig): Promise<Pushed> {
    const existing = (await this.locate(item, type)) ?? (await this.findByMatchField(item, type));
    if (existing) return this.update(existing, item, type);
    if (item.wasCreated === true) throw createdBefore(item);
    if (item.remoteId !== null) await this.context.beforeCreateAgain?.(item);

    const attributes = withSchemas(
      mergeResource({}, this.activated(item, type, true), this.rules(item.recordType)),
      type,
    );
    const created = await this.api.create(type, attributes, item);
    if ('id' in created) return done(item, 'created', created.id, created.version, created.shown);
    if ('withoutId' in created) {
      // If the search fails, too, the creation is what has to be stored.
      const found = await this.findByExternalId(item, type).catch(() => undefined);
      if (!found) throw created.withoutId;
      return done(item, 'created', found.id, found.version, found.attributes);
    }

    // The resource was created by an attempt whose response was lost, and the search did not find it yet:
    // some services index with a delay.
    const found = await this.findByExternalId(item, type);
    if (!found) throw this.api.refusal(created.conflict, item);
    return this.update(found, item, type);
  }

  /** Does not overwrite unread edits in the third party. */
  private update(existing: Resource, item: PushItem, type: ResourceTypeConfig): Promise<Pushed> {
    const wanted = async (current: Resource) => {
      const payload = await this.withoutUnreadEdits(item, current);
      return this.activated({ ...item, payload }, type, item.isDeactivated);
    };
    return this.write(existing, wanted, item, type, 'updated');
  }

  private async withoutUnreadEdits(item: PushItem, { attributes }: Resource): Promise<JsonObject> {
    const { beforeWrite } = this.context;
    const updated = forUpdate(item);
    if (!item.isReadFirst || beforeWrite === undefined) return updated.payload;
    return beforeWrite(updated, attributes, { isReplaced: false });
  }

  private async deactivate(item: PushItem, type: ResourceTypeConfig): Promise<Pushed> {
    const active = this.activeAttribute(type);
    if (active === null)
      throw rejected('not_supported', `A ${type.resource_type} cannot be deactivated in the third party.`);
    const existing = await this.locate(item, type);
    if (!existing) return nothingThere(item);
    await this.withoutUnreadEdits(item, existing);
    return this.write(existing, async () => ({ [active]: false }), item, type, 'deactivated');
  }

  private async remove(item: PushItem, type: ResourceTypeConfig): Promise<Pushed> {
    if (item.isReadFirst && item.remoteId !== null) {
      const existing = await this.api.read(type, item.remoteId);
      if (existing !== undefined) await this.withoutUnreadEdits(item, existing);
    }
    if (item.remoteId !== null && (await this.api.remove(type, item.remoteId, item)))
      return done(item, 'deleted', null, null);
    const found = await this.findByExternalId(item, type);
    const isRemoved = found !== undefined && (await this.api.remove(type, found.id, item));
    return isRemoved ? done(item, 'deleted', null, null) : nothingThere(item);
  }

  /** By the known id; if that is missing or not found, by `externalId`. */
  private async locate(item: PushItem, type: ResourceTypeConfig): Promise<Resource | undefined> {
    const known = item.remoteId === null ? undefined : await this.api.read(type, item.remoteId);
    return known ?? this.findByExternalId(item, type);
  }

  private async findByExternalId(item: PushItem, type: ResourceTypeConfig): Promise<Resource | undefined> {
    const hits = await this.api.find(
      type,
      'externalId',
      item.externalId,
      (resource) => resource.externalId === item.externalId,
    );
    if (hits.length > 1)
      throw rejected(
        'ambiguous',
        `${hits.length} resources in the third party have the externalId ${item.externalId}.`,
      );
    return this.claimed(item, hits[0]);
  }

  /**
   * A resource without externalId that has the same value in the mapping's `match_by` field (rules.md 13,
   * 15).
   */
  private async findByMatchField(item: PushItem, type: ResourceTypeConfig): Promise<Resource | undefined> {
    const mapping = this.context.mappings[item.recordType];
    const to = mapping?.fields.find(
      (field) => field.name !== undefined && field.name === mapping.matchBy,
    )?.to;
    const [value] = to === undefined ? [] : valuesAt(item.payload, to);
    if (to === undefined || typeof value !== 'string' || value === '') return undefined;
    const isSame = (other: JsonValue) =>
      typeof other === 'string' && other.toLowerCase() === value.toLowerCase();
    const hits = await this.api.find(
      type,
      toAttributePath(to),
      value,
      ({ externalId, attributes }) => externalId === null && valuesAt(attributes, to).some(isSame),
    );
    if (hits.length > 1)
      throw rejected(
        'ambiguous',
        `${hits.length} resources in the third party have the same ${toAttributePath(to)}.`,
        mapping?.matchBy,
      );
    return this.claimed(item, hits[0]);
  }

  private async claimed(item: PushItem, found: Resource | undefined): Promise<Resource | undefined> {
    if (found !== undefined) await this.context.claimRemote?.(item, found.id);
    return found;
  }

  private async write(
    existing: Resource,
    wanted: (current: Resource) => Promise<JsonObject>,
    item: PushItem,
    type: ResourceTypeConfig,
    effect: Pushed['effect'],
  ): Promise<Pushed> {
    let current = existing;
    for (let attempt = 1; ; attempt += 1) {
      const merged = withSchemas(
        mergeResource(current.attributes, await wanted(current), this.rules(item.recordType)),
        type,
      );
      const outcome = await this.api.update(type, current, merged, item);
      if (outcome === 'same') return done(item, effect, current.id, current.version, current.attributes);
      if (outcome === 'gone')
        throw new Unavailable('The record was deleted in the third party while it was being updated.', 404);
      if (!('conflict' in outcome)) return done(item, effect, current.id, outcome.version, outcome.shown);
      if (attempt === WRITE_ATTEMPTS_MAX || !isOutdated(outcome.conflict))
        throw this.api.refusal(outcome.conflict, item);
      const reread = await this.api.read(type, current.id);
      if (!reread)
        throw new Unavailable(
          'The record was deleted in the third party between two attempts to update it.',
          404,
        );
      current = reread;
    }
  }

  /** The wanted attributes, activated if requested, unless the record itself maps the active attribute. */
  private activated(item: PushItem, type: ResourceTypeConfig, isActivation: boolean): JsonObject {
    const active = this.activeAttribute(type);
    const switchedOn =
      isActivation && active !== null && (item.payload[active] ?? null) === null ? { [active]: true } : {};
    return { ...item.payload, ...switchedOn, externalId: item.externalId };
  }

  /** In the spelling of the mapping. */
  private activeAttribute(type: ResourceTypeConfig): string | null {
    const { active_attribute: active } = type;
    return active === null ? null : this.api.namesOf(type).spell([active]);
  }

  private rules(recordType: string): ListRules {
    return listRules(this.context.mappings[recordType]?.fields ?? []);
  }
}

/** Adds the core schema and the used extensions to the schemas of the resource (RFC 7643 3). */
function withSchemas(resource: JsonObject, type: ResourceTypeConfig): JsonObject {
  const named = Array.isArray(resource['schemas']) ? resource['schemas'] : [];
  const known = new Set(named.map((name) => (typeof name === 'string' ? name.toLowerCase() : name)));
  const used = [...type.schemas.slice(0, 1), ...Object.keys(resource).filter(isExtension)];
  const missing = [...new Set(used)].filter((name) => !known.has(name.toLowerCase()));
  return { ...resource, schemas: [...named, ...missing] };
}

/**
 * The values at a pointer, over all elements of the lists on the way: `/emails/0/value` means every address.
 */
function valuesAt(resource: JsonObject, to: string): JsonValue[] {
  const step = (nodes: JsonValue[], key: string) =>
    nodes.flat().flatMap((node) => (isJsonObject(node) && node[key] !== undefined ? [node[key]] : []));
  return attributePath(to).reduce<JsonValue[]>(step, [resource]).flat();
}

/**
 * 412, or a 409 other than `uniqueness`: the version is outdated (RFC 7644 3.12, 3.14).
 */
function isOutdated(response: HttpResponse): boolean {
  return response.status === 412 || readError(response.text).scimType !== 'uniqueness';
}

/** A missing record needs no removal, unless its creation was accepted. */
function nothingThere(item: PushItem): Pushed {
  if (item.wasCreated === true) throw createdBefore(item);
  return done(item, 'none', null, null);
}

function createdBefore({ externalId }: PushItem): CreatedWithoutId {
  const message =
    `The third party accepted the creation of ${externalId} before, without the new id, and the resource is ` +
    'not found.';
  return new CreatedWithoutId(message, true, null);
}

function done(
  item: PushItem,
  effect: Pushed['effect'],
  remoteId: string | null,
  remoteVersion: string | null,
  shown?: JsonObject,
): Pushed {
  return { pushId: item.pushId, ok: true, effect, remoteId, remoteVersion, shown };
}

function rejected(code: string, message: string, field: string | null = null): RecordRejected {
  const explanation =
    code === 'ambiguous'
      ? 'Remove or merge the duplicates in the third party, then retry.'
      : 'Change the mapping or the configuration of this integration.';
  return new RecordRejected(message, [{ field, remoteField: null, code, message, explanation }]);
}
