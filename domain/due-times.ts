/** The earliest instants at which rows may be due, by the priority of their work. */
import { type DueByPriority, PRIORITIES, priorityBy } from './work-priorities';

const NEVER = Number.POSITIVE_INFINITY;
/** A process of a former version names no priority of the work that it announces. */
const UNKNOWN = PRIORITIES.edit;

/** What signals, reports and inputs say. Instants are milliseconds since 1970. */
export interface Due {
  nextDueAt: number;
  dueByPriority?: DueByPriority;
}

export class DueTimes {
  private readonly due: Record<number, number> = {};

  /** Infinity = nothing is due. */
  get earliest(): number {
    return Math.min(NEVER, ...Object.values(this.due));
  }

  get byPriority(): DueByPriority {
    return { ...this.due };
  }

  /**
   * Ignores `dueByPriority` if `nextDueAt` is not its earliest instant: a former version that continues the
   * workflow changes `nextDueAt` only.
   */
  add({ nextDueAt, ...more }: Due): void {
    const dueByPriority = more.dueByPriority ?? {};
    const isOfInstant = Math.min(NEVER, ...Object.values(dueByPriority)) === nextDueAt;
    const known = isOfInstant ? dueByPriority : { [UNKNOWN]: nextDueAt };
    for (const [priorityKey, at] of Object.entries(known))
      this.due[Number(priorityKey)] = Math.min(at, this.due[Number(priorityKey)] ?? NEVER);
  }

  /** What both know of. */
  with(other: DueTimes): DueTimes {
    const both = new DueTimes();
    for (const { earliest, byPriority } of [this, other])
      both.add({ nextDueAt: earliest, dueByPriority: byPriority });
    return both;
  }

  /** When work that is more urgent is due. Infinity = there is none. */
  earliestBefore(priorityKey: number): number {
    const moreUrgent = Object.entries(this.due).filter(([key]) => Number(key) < priorityKey);
    return Math.min(NEVER, ...moreUrgent.map(([, at]) => at));
  }

  /** The priority of the most urgent work that is due. */
  priorityAt(now: number): number {
    return priorityBy(this.due, now) ?? UNKNOWN;
  }
}
