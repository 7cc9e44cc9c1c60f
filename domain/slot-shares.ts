/**
 * Which work may hold a slot of a task queue in one worker (rule 60). Work that calls third parties keeps its
 * slot while it waits for them, so the order of the queue alone does not protect other tenants: each tenant
 * has a share of the slots, and some slots are kept for work that a person waits for.
 */
export interface SlotRequest {
  /** The same each time that the same work asks. */
  key: string;
  tenantId: string;
  isForPerson: boolean;
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

const TENANT_SHARE = 1 / 3;
/** Of all slots, and of those of a tenant. The others are kept for what people wait for. */
const BACKGROUND_SHARE = 3 / 4;
const RETRY_MAX_SECONDS = 10;
/** How long after the time of its next request work keeps its place among those that wait. */
const LATE_MS = 2_000;

const shareOf = (slots: number, share: number): number => Math.max(1, Math.floor(slots * share));

export class SlotShares {
  private readonly held = new Set<SlotRequest>();
  private readonly waiting = new Map<string, { request: SlotRequest; until: number }>();
  private readonly ofTenant: number;

  constructor(
    private readonly slots: number,
    private readonly now = () => performance.now(),
  ) {
    this.ofTenant = shareOf(slots, TENANT_SHARE);
  }

  /** @returns a function that gives the slot back, or after how many seconds to ask again. */
  take(request: SlotRequest): (() => void) | number {
    this.waiting.delete(request.key);
    if (this.hasRoom(request, []) && this.hasRoom(request, this.goBefore(request))) {
      const slot = { ...request };
      this.held.add(slot);
      return () => void this.held.delete(slot);
    }
    const ahead = this.listBefore(request).filter(({ tenantId }) => tenantId === request.tenantId).length;
    const seconds = Math.min(RETRY_MAX_SECONDS, 1 + Math.floor(ahead / this.ofTenant));
    this.waiting.set(request.key, { request, until: this.now() + seconds * 1_000 + LATE_MS });
    return seconds;
  }

  /** @param others get a slot first. */
  private hasRoom({ tenantId, isForPerson }: SlotRequest, others: readonly SlotRequest[]): boolean {
    const all = [...this.held, ...others];
    const tenants = all.filter((other) => other.tenantId === tenantId);
    if (all.length >= this.slots || tenants.length >= this.ofTenant) return false;
    const isBackground = (other: SlotRequest): boolean => !other.isForPerson;
    return (
      isForPerson ||
      (all.filter(isBackground).length < shareOf(this.slots, BACKGROUND_SHARE) &&
        tenants.filter(isBackground).length < shareOf(this.ofTenant, BACKGROUND_SHARE))
    );
  }

  /** What waits, is before this request, and could have a slot now. */
  private goBefore(request: SlotRequest): SlotRequest[] {
    const next: SlotRequest[] = [];
    for (const other of this.listBefore(request)) if (this.hasRoom(other, next)) next.push(other);
    return next;
  }

  /** What people wait for first, then tenants with fewer slots, then what has waited longest. */
  private listBefore(request: SlotRequest): SlotRequest[] {
    const now = this.now();
    for (const [key, { until }] of this.waiting) if (until < now) this.waiting.delete(key);
    const heldBy = new Map<string, number>();
    for (const { tenantId } of this.held) heldBy.set(tenantId, (heldBy.get(tenantId) ?? 0) + 1);
    const compare = (a: SlotRequest, b: SlotRequest): number =>
      Number(b.isForPerson) - Number(a.isForPerson) ||
      (heldBy.get(a.tenantId) ?? 0) - (heldBy.get(b.tenantId) ?? 0) ||
      a.since - b.since;
    return [...this.waiting.values()]
      .map((one) => one.request)
      .filter((other) => compare(other, request) < 0)
      .sort(compare);
  }
}
