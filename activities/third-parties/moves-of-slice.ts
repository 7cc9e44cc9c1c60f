/**
 * What one slice of a rollout remembers. A chunk then does not count all integrations of the rollout again,
 * and does not read those again that an earlier chunk has checked.
 */
import type { Database } from '../../db/database';
import {
  countMoves,
  type MoveKey,
  type MovePlace,
  type MoveSearch,
  pickMoves,
} from '../../db/third-parties/rollout-integrations';

/** How many integrations may still change, and how many have changed, as far as the slice knows. */
interface StepProgress {
  planned: number;
  done: number;
}

export class MovesOfSlice {
  /** The last integration that each search found; null = there are no more. */
  readonly #places = new Map<string, MovePlace | null>();
  #expected: (StepProgress & { step: number }) | undefined;

  constructor(
    private readonly database: Database,
    readonly rolloutId: string,
  ) {}

  /** The next integrations of a search. One that has left the state is not found again. */
  async pick({ limit, ...search }: Omit<MoveSearch, 'rolloutId' | 'after'>): Promise<readonly MoveKey[]> {
    const key = JSON.stringify(search);
    const after = this.#places.get(key);
    if (after === null) return [];
    const { rolloutId } = this;
    const find = (from: MovePlace | undefined) =>
      this.database.withPlatform((work) => pickMoves(work, { ...search, rolloutId, limit, after: from }));
    const next = await find(after);
    // At the end, the search starts again for integrations that earlier chunks could not check.
    const found = next.length > 0 || after === undefined ? next : await find(undefined);
    if (search.plannedBefore !== undefined || search.checkedBefore !== undefined)
      this.#places.set(key, found.at(-1) ?? null);
    return found;
  }

  counts(): ReturnType<typeof countMoves> {
    return this.database.withPlatform((work) => countMoves(work, this));
  }

  async progressOf(step: number): Promise<StepProgress> {
    if (this.#expected?.step === step) return this.#expected;
    const { planned = 0, changed = 0, failed = 0 } = await this.counts();
    return { planned, done: changed + failed };
  }

  /** Call it after a change of integrations. They are counted again once `wanted` may have changed. */
  noteChanges(
    step: number,
    { planned, done }: StepProgress,
    { count, wanted }: { count: number; wanted: number },
  ) {
    const expected = { step, planned: planned - count, done: done + count };
    const isKnown = count > 0 && expected.planned > 0 && expected.done < wanted;
    this.#expected = isKnown ? expected : undefined;
  }
}
