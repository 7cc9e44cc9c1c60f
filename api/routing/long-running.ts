/**
 * Long-running requests, Sync Overview and Sync Now (rules.md 18): accepted in a transaction, then followed
 * until they end or the wait is over. Once the response with the result is sent, the requester needs no
 * notification.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { Database, TenantWork } from '../../db/database';
import { findOperation, markAnswered, type Operation } from '../../db/notifications/operations';
import type { RouteResponse } from './define-route';

/** A quarter of the time waited so far, within these bounds: short ones end soon, long ones cost little. */
const CHECK_INTERVAL_MS = { min: 20, max: 500 };

/** RFC 7240: `respond-async` = do not wait; `wait=N` = wait at most N seconds, up to `waitMaxMs`. */
function readPrefer(
  prefer: string | undefined,
  waitMaxMs: number,
): { waitMs: number; applied: string | null } {
  const words = (prefer ?? '').split(',').map((word) => word.trim().toLowerCase());
  if (words.includes('respond-async')) return { waitMs: 0, applied: 'respond-async' };
  const seconds = words.flatMap((word) => /^wait=(\d{1,6})$/.exec(word)?.[1] ?? []).at(0);
  if (seconds === undefined) return { waitMs: waitMaxMs, applied: null };
  const waitMs = Math.min(waitMaxMs, Number(seconds) * 1_000);
  return { waitMs, applied: `wait=${waitMs / 1_000}` };
}

export interface FollowOptions {
  database: Database;
  waitMaxMs: number;
  isDraining(): boolean;
  tenantId: string;
  operationId: string;
  request: Request;
  response: Response;
  readOutcome(work: TenantWork, operation: Operation): Promise<object>;
  location: string;
}

const checkAgainAfterMs = (waitedMs: number): number =>
  Math.min(CHECK_INTERVAL_MS.max, Math.max(CHECK_INTERVAL_MS.min, waitedMs / 4));

export async function followOperation(options: FollowOptions): Promise<RouteResponse> {
  const { database, tenantId, operationId, request, response } = options;
  const { waitMs, applied } = readPrefer(request.get('prefer'), options.waitMaxMs);
  const startedAt = performance.now();
  const until = startedAt + waitMs;
  const headers = {
    ...(applied === null ? {} : { 'Preference-Applied': applied }),
    Location: options.location,
  };
  for (;;) {
    const operation = await database.withTenant(tenantId, (work) => findOperation(work, { operationId }));
    if (operation === undefined) throw new Error(`No operation ${operationId}.`);
    if (operation.endedAt !== null) {
      const body = await database.withTenant(tenantId, (work) => options.readOutcome(work, operation));
      response.once('finish', () => {
        // If this fails, the requester gets a superfluous notification, which is better than none.
        database.withTenant(tenantId, (work) => markAnswered(work, { operationId })).catch(() => undefined);
      });
      return { status: 200, body, headers };
    }
    if (performance.now() >= until || options.isDraining() || response.destroyed) {
      const body = await database.withTenant(tenantId, (work) => options.readOutcome(work, operation));
      return { status: 202, body, headers };
    }
    const now = performance.now();
    await sleep(Math.min(checkAgainAfterMs(now - startedAt), Math.max(1, until - now)));
  }
}
