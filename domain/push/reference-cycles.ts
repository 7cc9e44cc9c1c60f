/**
 * Which references are left out at first so that records that refer to each other in a circle can be created
 * one after the other (docs/decisions/0033).
 */

/** A record waits for another one. */
export interface Waiting {
  recordId: string;
  targetId: string;
}

/**
 * Edges without which nothing waits in a circle. In each circle the record with the smallest id goes first,
 * so that two workers that look at the same time choose the same one.
 */
export function edgesToLeaveOut<Edge extends Waiting>(edges: readonly Edge[]): Edge[] {
  const left = new Map<string, Edge[]>();
  for (const edge of edges) left.set(edge.recordId, [...(left.get(edge.recordId) ?? []), edge]);
  const chosen: Edge[] = [];
  for (;;) {
    const circle = findCircle(left);
    if (circle === undefined) return chosen;
    const first = circle.reduce((a, b) => (b.recordId < a.recordId ? b : a));
    chosen.push(first);
    left.set(
      first.recordId,
      (left.get(first.recordId) ?? []).filter((edge) => edge !== first),
    );
  }
}

/** A depth-first search without recursion: a chain may be long. */
function findCircle<Edge extends Waiting>(edges: ReadonlyMap<string, readonly Edge[]>): Edge[] | undefined {
  const done = new Set<string>();
  for (const start of [...edges.keys()].sort()) {
    const path: { at: string; next: number; by?: Edge }[] = [{ at: start, next: 0 }];
    const onPath = new Set([start]);
    while (path.length > 0) {
      const top = path.at(-1) as { at: string; next: number };
      const edge = done.has(top.at) ? undefined : edges.get(top.at)?.[top.next];
      top.next += 1;
      if (edge === undefined) {
        done.add(top.at);
        onPath.delete(top.at);
        path.pop();
      } else if (onPath.has(edge.targetId)) {
        const from = path.findIndex(({ at }) => at === edge.targetId);
        return [...path.slice(from + 1).flatMap(({ by }) => by ?? []), edge];
      } else if (!done.has(edge.targetId)) {
        path.push({ at: edge.targetId, next: 0, by: edge });
        onPath.add(edge.targetId);
      }
    }
  }
  return undefined;
}
