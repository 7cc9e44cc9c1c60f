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
  for (const edge of edges) {
    const others = left.get(edge.recordId);
    if (others === undefined) left.set(edge.recordId, [edge]);
    else others.push(edge);
  }
  const chosen: Edge[] = [];
  // No circle can be reached from these records, also not after more edges are left out.
  const done = new Set<string>();
  for (const start of [...left.keys()].sort())
    for (
      let circle = findCircle(left, start, done);
      circle !== undefined;
      circle = findCircle(left, start, done)
    ) {
      const first = circle.reduce((a, b) => (b.recordId < a.recordId ? b : a));
      chosen.push(first);
      left.set(
        first.recordId,
        (left.get(first.recordId) ?? []).filter((edge) => edge !== first),
      );
    }
  return chosen;
}

/**
 * The record whose references are left out if a search for circles has ended at its limit without a circle:
 * the one at which the longest path begins. undefined: no path begins at a searched record.
 * @param edges in the order in which they were reached
 */
export function recordToSendFirst(
  edges: readonly Waiting[],
  searched: readonly string[],
): string | undefined {
  const starts = new Set(searched);
  const by = new Map<string, string>();
  for (const { recordId, targetId } of edges) if (!by.has(targetId)) by.set(targetId, recordId);
  // Without circles, the way back has an end.
  let at = edges.at(-1)?.recordId;
  while (at !== undefined && !starts.has(at)) at = by.get(at);
  return at;
}

/** A depth-first search without recursion: a chain may be long. */
function findCircle<Edge extends Waiting>(
  edges: ReadonlyMap<string, readonly Edge[]>,
  start: string,
  done: Set<string>,
): Edge[] | undefined {
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
  return undefined;
}
