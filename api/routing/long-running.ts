/**
 * Work that somebody waits for up to a minute (rules.md 18): accepted in a transaction, then followed until it has ended or the time is up. An
 * answer with the result that has left is noted; who did not get it is told by a notification.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { Database, TenantWork } from '../../db/database';
import { findOperation, markAnswered, type Operation } from '../../db/notifications/operations';
import type { Answer } from './define-route';

const WAIT_MAX_MS = 60_000;
const CHECK_INTERVAL_MS = 150;

/** RFC 7240: `respond-async` = do not wait; `wait=N` = at most N seconds. 60 seconds unless told otherwise. */
export function patienceOf(prefer: string | undefined): { waitMs: number; applied: string | null } {
  const words = (prefer ?? '').split(',').map((word) => word.trim().toLowerCase());
  if (words.includes('respond-async')) return { waitMs: 0, applied: 'respond-async' };
  const seconds = words.flatMap((word) => /^wait=(\d{1,6})$/.exec(word)?.[1] ?? []).at(0);
  if (seconds === undefined) return { waitMs: WAIT_MAX_MS, applied: null };
  const waitMs = Math.min(WAIT_MAX_MS, Number(seconds) * 1_000);
  return { waitMs, applied: `wait=${waitMs / 1_000}` };
}

export interface FollowOptions {
  database: Database;
  isDraining(): boolean;
  tenantId: string;
  operationId: string;
  request: Request;
  response: Response;
  show(work: TenantWork, operation: Operation): Promise<object>;
  location: string;
}

export async function followOperation(options: FollowOptions): Promise<Answer> {
  const { database, tenantId, operationId, request, response } = options;
  const { waitMs, applied } = patienceOf(request.get('prefer'));
  const until = performance.now() + waitMs;
  const headers = {
    ...(applied === null ? {} : { 'Preference-Applied': applied }),
    Location: options.location,
  };
  for (;;) {
    const operation = await database.withTenant(tenantId, (work) => findOperation(work, { operationId }));
    if (operation === undefined) throw new Error(`No operation ${operationId}.`);
    if (operation.endedAt !== null) {
      const body = await database.withTenant(tenantId, (work) => options.show(work, operation));
      response.once('finish', () => {
        // Not noted, there is one notification more: better than none.
        database.withTenant(tenantId, (work) => markAnswered(work, { operationId })).catch(() => undefined);
      });
      return { status: 200, body, headers };
    }
    if (performance.now() >= until || options.isDraining() || response.destroyed) {
      const body = await database.withTenant(tenantId, (work) => options.show(work, operation));
      return { status: 202, body, headers };
    }
    await sleep(Math.min(CHECK_INTERVAL_MS, Math.max(1, until - performance.now())));
  }
}
