/**
 * Lists of one tenant that PostgreSQL reads at the same time, per process. More of them would take the
 * connections that the requests of other tenants need (rules.md 60).
 */
import { z } from 'zod';
import { Capacities } from '../../domain/capacity';
import { HttpError } from '../http/http-error';

const LISTS_OF_A_TENANT = 4;
const WAIT_MS = 1_000;

/** True for routes that return pages of a list. */
export const isList = ({ method, query }: { method: string; query?: z.ZodType | undefined }): boolean =>
  method === 'get' && query instanceof z.ZodObject && 'limit' in query.shape;

export class ListSlots {
  readonly #slots = new Capacities(LISTS_OF_A_TENANT);

  /** Runs `work` in one of the tenant's slots. Throws `too_many_lists` after a short wait for one. */
  async run<T>(tenantId: string, work: () => Promise<T>): Promise<T> {
    await this.#slots.take(tenantId, 1, AbortSignal.timeout(WAIT_MS)).catch(() => {
      throw new HttpError('too_many_lists', { headers: { 'Retry-After': '1' } });
    });
    try {
      return await work();
    } finally {
      this.#slots.release(tenantId, 1);
    }
  }
}
