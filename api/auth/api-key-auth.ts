/**
 * From the Authorization header, and Syncline-Acting-As beside it, to the caller. A key that was good is remembered for a second, so a revocation takes
 * effect on every replica within that time (rules.md S8).
 */
import type { Logger } from 'pino';
import { findPresentedKeys, touchApiKey, type PresentedKey } from '../../db/tenants/api-keys';
import type { Database } from '../../db/database';
import { fromTypeId } from '../../db/sql/ids';
import { findPerson } from '../../db/tenants/people';
import { lesserRole } from '../routing/route-permissions';
import { hashOfKey, isSameKey, publicIdOf } from './api-key';
import type { Caller, TenantCaller } from '../routing/context';
import { HttpError } from '../http/http-error';

const REMEMBERED_MS = 1_000;
const REMEMBERED_KEYS_MAX = 10_000;
const USE_NOTED_EVERY_MS = 60_000;

export interface Authenticator {
  /**
   * Undefined when the header holds no valid key, whatever is wrong with it. `actingAs`: the person a tenant's key acts for, on the
   * wire. Throws `acting_as_refused`.
   */
  authenticate(authorization: string | undefined, actingAs?: string): Promise<Caller | undefined>;
}

interface Remembered {
  caller: TenantCaller;
  until: number;
}

export function createAuthenticator({
  database,
  platformKey,
  log,
}: {
  database: Database;
  platformKey: string;
  log: Logger;
}): Authenticator {
  const platformKeyHash = hashOfKey(platformKey);
  const remembered = new Map<string, Remembered>();
  const lastNoted = new Map<string, number>();

  async function findCaller(hash: Buffer, publicId: string): Promise<TenantCaller | undefined> {
    const { keys, now } = await database.withPlatform(async (work) => ({
      keys: await findPresentedKeys(work, { publicId }),
      now: work.now,
    }));
    const key = keys.find((candidate) => isSameKey(candidate.secretHash, hash));
    if (key === undefined || key.revokedAt !== null || key.expiresAt <= now) return undefined;
    touchKey(key, now);
    return {
      kind: 'tenant',
      tenantId: key.tenantId,
      apiKeyId: key.apiKeyId,
      personId: null,
      role: key.role,
      actor: `key:${key.name}`,
      publicId,
    };
  }

  /** The key can do no more than the person, nor the person more than the key. */
  async function actFor(holder: TenantCaller, actingAs: string): Promise<TenantCaller> {
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
      actor: `person:${person.name}`,
    };
  }

  /** Beside the request, never in its way: a use that cannot be noted is no reason to refuse. */
  function touchKey({ tenantId, apiKeyId, lastUsedAt }: PresentedKey, now: Date): void {
    const lastMs = Math.max(lastUsedAt?.getTime() ?? 0, lastNoted.get(apiKeyId) ?? 0);
    if (now.getTime() - lastMs < USE_NOTED_EVERY_MS) return;
    if (lastNoted.size > REMEMBERED_KEYS_MAX) lastNoted.clear();
    lastNoted.set(apiKeyId, now.getTime());
    database
      .withPlatform((work) => touchApiKey(work, { tenantId, apiKeyId }))
      .catch((error: unknown) => log.warn({ err: error }, 'the use of a key could not be noted'));
  }

  return {
    async authenticate(authorization, actingAs) {
      const [, presented] = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '') ?? [];
      if (presented === undefined) return undefined;
      const hash = hashOfKey(presented);
      if (isSameKey(hash, platformKeyHash)) {
        if (actingAs !== undefined) throw new HttpError('acting_as_refused');
        return { kind: 'platform', actor: 'platform' };
      }
      const publicId = publicIdOf(presented);
      if (publicId === undefined) return undefined;

      const memory = `${hash.toString('base64')} ${actingAs ?? ''}`;
      const known = remembered.get(memory);
      if (known !== undefined && known.until > performance.now()) return known.caller;
      remembered.delete(memory);
      const holder = await findCaller(hash, publicId);
      if (holder === undefined) return undefined;
      const caller = actingAs === undefined ? holder : await actFor(holder, actingAs);
      if (remembered.size >= REMEMBERED_KEYS_MAX) remembered.clear();
      remembered.set(memory, { caller, until: performance.now() + REMEMBERED_MS });
      return caller;
    },
  };
}
