/**
 * Lists of one tenant that PostgreSQL reads at the same time, per process. More of them would take the
 * connections that the requests of other tenants need (rules.md 60).
 */
import { z } from 'zod';
import { HttpError } from '../http/http-error';

const LISTS_OF_A_TENANT = 4;
const WAIT_MS = 1_000;

/** True for routes that return pages of a list. */
export const isList = ({ method, query }: { method: string; query?: z.ZodType | undefined }): boolean =>
  method === 'get' && query instanceof z.ZodObject && 'limit' in query.shape;

interface TenantSlots {
  taken: number;
  /** In the order of arrival. */
  waiting: Set<() => void>;
}

export class ListSlots {
  readonly #tenants = new Map<string, TenantSlots>();

  /** Runs `work` in one of the tenant's slots. Throws `too_many_lists` after a short wait for one. */
  async run<T>(tenantId: string, work: () => Promise<T>): Promise<T> {
    const slots = this.#tenants.get(tenantId) ?? { taken: 0, waiting: new Set() };
    this.#tenants.set(tenantId, slots);
    if (slots.taken >= LISTS_OF_A_TENANT) await waitForSlot(slots);
    else slots.taken += 1;
    try {
      return await work();
    } finally {
      this.#release(tenantId, slots);
    }
  }

  /** A slot is passed on to the request that has waited longest. */
  #release(tenantId: string, slots: TenantSlots): void {
    const [next] = slots.waiting;
    if (next !== undefined) return next();
    slots.taken -= 1;
    if (slots.taken === 0) this.#tenants.delete(tenantId);
  }
}

async function waitForSlot({ waiting }: TenantSlots): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const take = () => {
      clearTimeout(timer);
      waiting.delete(take);
      resolve();
    };
    const timer = setTimeout(() => {
      waiting.delete(take);
      reject(new HttpError('too_many_lists', { headers: { 'Retry-After': '1' } }));
    }, WAIT_MS);
    waiting.add(take);
  });
}
