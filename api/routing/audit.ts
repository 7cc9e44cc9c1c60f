/** Audit entries of requests. */
import type { TenantWork } from '../../db/database';
import { appendAuditEntry } from '../../db/platform/audit-log';
import { toTypeId } from '../../db/sql/ids';
import type { JsonObject } from '../../domain/json';
import type { Caller } from './caller';
import type { TenantContext } from './context';
import type { AuditDetails, Route } from './define-route';

export async function auditRequest(
  work: TenantWork,
  { method, path, action }: Route,
  { caller, ip, requestId }: TenantContext,
  { target, detail }: AuditDetails,
): Promise<void> {
  if (action === undefined)
    throw new Error(`${method} ${path} changes something but has no action for the audit log.`);
  await appendAuditEntry(work, {
    actor: caller.actor,
    action,
    target,
    detail: { ...detail, ...callerIds(caller) },
    ip,
    requestId,
  });
}

/**
 * Names can change and repeat, so audit entries also hold the ids of the person and of the key or session.
 */
export function callerIds(caller: Caller): JsonObject {
  if (caller.kind === 'platform') return caller.sessionId === null ? {} : { session: caller.sessionId };
  return {
    ...(caller.personId === null ? {} : { person: toTypeId('psn', caller.personId) }),
    ...(caller.apiKeyId === null ? { session: caller.publicId } : { api_key: caller.publicId }),
  };
}
