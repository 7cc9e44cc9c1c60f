/**
 * Authenticates API keys: from the headers Authorization and Syncline-Acting-As to the caller. A valid key is
 * cached for a second, so a revocation takes effect on every replica within that time (rules.md S8).
 */
import type { Logger } from 'pino';
import { findPresentedKeys, touchApiKey, type PresentedKey } from '../../db/tenants/api-keys';
import type { Database } from '../../db/database';
import { fromTypeId } from '../../db/sql/ids';
import { findPerson } from '../../db/tenants/people';
import { lesserRole } from '../routing/route-permissions';
import { hashOfKey, isSameKey, publicIdOf } from './api-key';
import type { Caller, TenantCaller } from '../routing/caller';
import { HttpError } from '../http/http-error';

const CACHE_TTL_MS = 1_000;
const CACHED_KEYS_MAX = 10_000;
const LAST_USE_INTERVAL_MS = 60_000;

export interface Authenticator {
  /**
   * Undefined when the header holds no valid key. `actingAs`: the public id of the person for whom a tenant's
   * key acts. Throws `acting_as_refused`.
   */
  authenticate(authorization: string | undefined, actingAs?: string): Promise<Caller | undefined>;
}

interface CachedCaller {
  /** Requests that arrive while the key is being read wait for the same answer. */
  caller: Promise<TenantCaller | undefined>;
  until: number;
}

export function createAuthenticator(options: {
  database: Database;
  platformKey: string;
  log: Logger;
}): Authenticator {
  const { database } = options;
  const platformKeyHash = hashOfKey(options.platformKey);
  const cache = new Map<string, CachedCaller>();
  const saveLastUse = createLastUseSaver(options);

  const findCaller = async (hash: Buffer, publicId: string, actingAs: string | undefined) => {
    const key = await findActiveKey(database, hash, publicId);
    if (key === undefined) return undefined;
    saveLastUse(key, key.now);
    const holder = toCaller(key, publicId);
    return actingAs === undefined ? holder : actFor(database, holder, actingAs);
  };

  return {
    async authenticate(authorization, actingAs) {
      const [, presented] = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '') ?? [];
      if (presented === undefined) return undefined;
      const hash = hashOfKey(presented);
      if (isSameKey(hash, platformKeyHash)) {
        if (actingAs !== undefined) throw new HttpError('acting_as_refused');
        return { kind: 'platform', actor: 'platform', sessionId: null };
      }
      const publicId = publicIdOf(presented);
      if (publicId === undefined) return undefined;

      const cacheKey = `${hash.toString('base64')} ${actingAs ?? ''}`;
      const cached = cache.get(cacheKey);
      if (cached !== undefined && cached.until > performance.now()) return cached.caller;
      const read = { caller: findCaller(hash, publicId, actingAs), until: performance.now() + CACHE_TTL_MS };
      if (cache.size >= CACHED_KEYS_MAX) cache.clear();
      cache.set(cacheKey, read);
      const forget = () => {
        if (cache.get(cacheKey) === read) cache.delete(cacheKey);
      };
      void read.caller.then((caller) => (caller === undefined ? forget() : undefined), forget);
      return read.caller;
    },
  };
}

/** Undefined when the key is unknown, revoked or expired. */
async function findActiveKey(
  database: Database,
  hash: Buffer,
  publicId: string,
): Promise<(PresentedKey & { now: Date }) | undefined> {
  const { keys, now } = await database.withPlatform(async (work) => ({
    keys: await findPresentedKeys(work, { publicId }),
    now: work.now,
  }));
  const key = keys.find((candidate) => isSameKey(candidate.secretHash, hash));
  if (key === undefined || key.revokedAt !== null || key.expiresAt <= now) return undefined;
  return { ...key, now };
}

function toCaller({ tenantId, apiKeyId, role, name }: PresentedKey, publicId: string): TenantCaller {
  return { kind: 'tenant', tenantId, apiKeyId, personId: null, role, actor: `key:${name}`, publicId };
}

/** The effective role is the lower one of the key's and the person's. Throws `acting_as_refused`. */
async function actFor(database: Database, holder: TenantCaller, actingAs: string): Promise<TenantCaller> {
  const personId = fromTypeId('psn', actingAs);
  const person =
    personId === undefined
      ? undefined
      : await database.withTenant(holder.tenantId, (work) => findPerson(work, { personId }));
  if (person === undefined || person.disabledAt !== null) throw new HttpError('acting_as_refused');
  return {
    ...holder,
    personId: person.personId,
    role: lesserRole(holder.role, person.role),
    isBelowPerson: lesserRole(holder.role, person.role) !== person.role,
    actor: `person:${person.name}`,
  };
}

/**
 * Saves the last use of keys, at most once a minute per key. Runs beside the request: a failure must not fail
 * the request.
 */
function createLastUseSaver({ database, log }: { database: Database; log: Logger }) {
  const lastSaved = new Map<string, number>();
  return ({ tenantId, apiKeyId, lastUsedAt }: PresentedKey, now: Date): void => {
    const lastMs = Math.max(lastUsedAt?.getTime() ?? 0, lastSaved.get(apiKeyId) ?? 0);
    if (now.getTime() - lastMs < LAST_USE_INTERVAL_MS) return;
    if (lastSaved.size > CACHED_KEYS_MAX) lastSaved.clear();
    lastSaved.set(apiKeyId, now.getTime());
    database
      .withPlatform((work) => touchApiKey(work, { tenantId, apiKeyId }))
      .catch((error: unknown) => log.warn({ err: error }, 'the last use of an API key could not be saved'));
  };
}
