/**
 * Which work took its worker down (rule 60). A worker that dies leaves what it had under way. A single piece
 * is to blame. Of several, each is suspect and runs as the only suspect of its worker from then on, so the
 * next death has one cause. Work that makes progress is not suspect any more.
 */
export const WORK_KINDS = ['pull', 'push', 'overview', 'check', 'webhook_delivery'] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

/**
 * The deaths after which work is parked. A queue of pushes or deliveries contains much healthy work and has
 * no smaller steps, so an operator may kill it twice by chance.
 */
const DEATHS_MAX: Readonly<Record<WorkKind, number>> = {
  pull: 2,
  overview: 2,
  check: 2,
  push: 3,
  webhook_delivery: 3,
};

interface UnderWay {
  kind: WorkKind;
  isSuspect: boolean;
  deaths: number;
}

export interface Verdict<Work> {
  work: Work;
  deaths: number;
  isParked: boolean;
}

/** What is suspect after the death of a worker; other work is not. */
export function blame<Work extends UnderWay>(underWay: readonly Work[]): Verdict<Work>[] {
  const suspects = underWay.filter(({ isSuspect }) => isSuspect);
  const candidates = suspects.length > 0 ? suspects : underWay;
  const isProven = candidates.length === 1;
  return candidates.map((work) => {
    const deaths = work.deaths + (isProven ? 1 : 0);
    return { work, deaths, isParked: deaths >= DEATHS_MAX[work.kind] };
  });
}
