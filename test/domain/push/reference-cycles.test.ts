import { array, assert, integer, property, tuple } from 'fast-check';
import { edgesToLeaveOut, recordToSendFirst } from '../../../domain/push/reference-cycles';

const edge = (recordId: string, targetId: string) => ({ recordId, targetId });

it('in a circle, the record with the smallest id goes first', () => {
  expect(edgesToLeaveOut([edge('c', 'a'), edge('a', 'b'), edge('b', 'c')])).toEqual([edge('a', 'b')]);
});

it('nothing is left out of a chain', () => {
  expect(edgesToLeaveOut([edge('a', 'b'), edge('b', 'c'), edge('a', 'c')])).toEqual([]);
});

it('a search that ends without a circle names the record from which it came furthest', () => {
  const reached = [edge('near', 'x'), edge('far', 'a'), edge('a', 'b'), edge('b', 'c')];
  expect(recordToSendFirst(reached, ['near', 'far'])).toBe('far');
  expect(recordToSendFirst([], ['near'])).toBeUndefined();
});

it('each edge is followed once, however many circles there are', () => {
  let looks = 0;
  const pairs = Array.from({ length: 3_000 }, (_, at) => `p${String(at).padStart(4, '0')}`);
  const edges = pairs.flatMap((name) => [
    edge(`${name}a`, `${name}b`),
    {
      recordId: `${name}b`,
      get targetId() {
        looks += 1;
        return `${name}a`;
      },
    },
  ]);

  expect(edgesToLeaveOut(edges)).toHaveLength(pairs.length);
  expect(looks).toBeLessThan(10 * edges.length);
});

it('without the chosen edges, nothing waits in a circle', () => {
  const node = integer({ min: 0, max: 8 }).map(String);
  assert(
    property(array(tuple(node, node), { maxLength: 30 }), (pairs) => {
      const edges = pairs.map(([from, to]) => edge(from, to));
      const chosen = new Set(edgesToLeaveOut(edges));
      let left = edges.filter((one) => !chosen.has(one));
      // What waits for no other goes, until all are gone.
      for (let before = -1; left.length !== before;) {
        before = left.length;
        const waiting = new Set(left.map(({ recordId }) => recordId));
        left = left.filter(({ targetId }) => waiting.has(targetId));
      }
      expect(left).toEqual([]);
    }),
  );
});
