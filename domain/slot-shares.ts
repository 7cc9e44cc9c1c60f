/**
 * Which work may hold a slot of a task queue in one worker (rule 60). Work that calls third parties keeps its
 * slot while it waits for them, so the order of the queue alone does not protect other tenants: each tenant
 * has a share of the slots, and some slots are kept for work that a person waits for.
 *
 * A few requests wait here for a slot, so that a slot that is given back is used at once. All others ask
 * again later: Temporal keeps their order, and they use no memory of the worker.
 */
export interface SlotRequest {
  tenantId: string;
  isForPerson: boolean;
  /** A smaller number is more urgent (work-priorities.ts). */
  priorityKey: number;
  /** When the work was scheduled first, in milliseconds since 1970. */
  since: number;
}

/** The slots of a worker for work that calls third parties, receivers and mail servers, by task queue. */
export const DEFAULT_SLOTS = {
  push: 150,
  /** Each holds one or two pages in memory. */
  pull: 24,
  /** A receiver that hangs costs almost nothing. */
  webhooks: 200,
  email: 10,
};

/** The most requests that wait in a worker for a slot of a task queue. */
export const WAITING_MAX = 8;

const TENANT_SHARE = 1 / 3;
/** Of all slots, and of those of a tenant. The others are kept for what people wait for. */
const BACKGROUND_SHARE = 3 / 4;
const RETRY_MAX_SECONDS = 20;
/** Work asks again after this share of the time that it has waited. */
const RETRY_SHARE = 1 / 8;

const shareOf = (slots: number, share: number): number => Math.max(1, Math.floor(slots * share));

/** Seconds until work that got no slot asks again. `since`, `now`: as `SlotRequest.since`. */
export const slotRetrySeconds = (since: number, now: number): number =>
  Math.min(RETRY_MAX_SECONDS, Math.max(1, Math.floor(((now - since) / 1_000) * RETRY_SHARE)));

class Held {
  private background = 0;
  private all = 0;

  constructor(private readonly slots: number) {}

  get count(): number {
    return this.all;
  }

  add(isForPerson: boolean, by: 1 | -1): void {
    this.all += by;
    if (!isForPerson) this.background += by;
  }

  hasRoom(isForPerson: boolean): boolean {
    if (this.all >= this.slots) return false;
    return isForPerson || this.background < shareOf(this.slots, BACKGROUND_SHARE);
  }
}

/** Called once: with a function that gives the slot back, or undefined if there is none now. */
type Answer = (giveBack: (() => void) | undefined) => void;

export class SlotShares {
  private readonly held: Held;
  private readonly heldBy = new Map<string, Held>();
  private readonly ofTenant: number;
  /** Sorted: the first one that has room gets the next slot. */
  private readonly waiting: { request: SlotRequest; answer: Answer }[] = [];

  constructor(slots: number) {
    this.held = new Held(slots);
    this.ofTenant = shareOf(slots, TENANT_SHARE);
  }

  /** @returns a function that ends the wait for a slot: the answer is undefined if there was none yet. */
  ask(request: SlotRequest, answer: Answer): () => void {
    const asking = { request, answer };
    this.waiting.push(asking);
    this.serve();
    if (this.waiting.length > WAITING_MAX) this.waiting.pop()?.answer(undefined);
    return () => {
      const index = this.waiting.indexOf(asking);
      if (index < 0) return;
      this.waiting.splice(index, 1);
      answer(undefined);
    };
  }

  private serve(): void {
    for (;;) {
      this.waiting.sort((one, other) => this.compare(one.request, other.request));
      const index = this.waiting.findIndex(({ request }) => this.hasRoom(request));
      const [next] = index < 0 ? [] : this.waiting.splice(index, 1);
      if (next === undefined) return;
      next.answer(this.give(next.request));
    }
  }

  /**
   * Tenants with room first, then what people wait for, then what is more urgent, then tenants with fewer
   * slots, and then what has waited longest.
   */
  private compare(one: SlotRequest, other: SlotRequest): number {
    const [ofOne, ofOther] = [this.tenantOf(one), this.tenantOf(other)];
    return (
      Number(ofOther.hasRoom(other.isForPerson)) - Number(ofOne.hasRoom(one.isForPerson)) ||
      Number(other.isForPerson) - Number(one.isForPerson) ||
      one.priorityKey - other.priorityKey ||
      ofOne.count - ofOther.count ||
      one.since - other.since
    );
  }

  private hasRoom(request: SlotRequest): boolean {
    const { isForPerson } = request;
    return this.held.hasRoom(isForPerson) && this.tenantOf(request).hasRoom(isForPerson);
  }

  private tenantOf({ tenantId }: SlotRequest): Held {
    return this.heldBy.get(tenantId) ?? new Held(this.ofTenant);
  }

  private give(request: SlotRequest): () => void {
    const { tenantId, isForPerson } = request;
    const tenant = this.tenantOf(request);
    this.heldBy.set(tenantId, tenant);
    for (const held of [this.held, tenant]) held.add(isForPerson, 1);
    return () => {
      for (const held of [this.held, tenant]) held.add(isForPerson, -1);
      if (tenant.count === 0) this.heldBy.delete(tenantId);
      this.serve();
    };
  }
}
