/** Members that the mapping does not name are dropped before a page is parsed (rule 60). */
import * as fc from 'fast-check';
import type { KeptMembers } from '../../connectors/http';
import { NotJson, pruneJson, TooManyValues } from '../../egress/limits/prune-json';

const { signal } = new AbortController();
const KEPT: KeptMembers = { items: ['data'], itemsAs: 'list', members: [['id'], ['name', 'last']] };
const prune = (text: string, kept = KEPT, valuesMax = 1_000): Promise<string> =>
  pruneJson(text, kept, { valuesMax, signal });

const item = '"id": 1, "name": {"first": "A", "last": "B"}';
test.each([
  ['a tree', `{"tree": ${'[{"a":'.repeat(50)}0${'}]'.repeat(50)}, ${item}}`],
  ['millions of empty objects', `{${item}, "all": [${'{},'.repeat(100_000)}{}]}`],
  ['thousands of keys', `{${Array.from({ length: 5_000 }, (_, key) => `"k${key}": 0`).join(', ')}, ${item}}`],
  ['a long text with brackets and escapes', `{"text": "${'\\"}]{['.repeat(10_000)}", ${item}}`],
  ['numbers', `{"numbers": [${'-1.5e300,'.repeat(20_000)}0], ${item}}`],
  ['keys of the language', `{"__proto__": {"id": 2}, "constructor": [1], ${item}}`],
])('rule 60: %s beside the mapped members is dropped', async (_name, text) => {
  const pruned = await prune(`{"data": [${text}], "next": "2"}`);

  expect(pruned).toBe('{"data":[{"id":1,"name":{"last":"B"}}],"next":"2"}');
});

test('rule 60: what is kept is as it was written', async () => {
  const text =
    '{"total":12345678901234567890,"data":[{"id":1,"id":9007199254740993},{"id":"\\ud83d\\ude00é\\u0000"},7,[1]]}';

  const pruned = await prune(text);

  expect(pruned).toContain('"total":12345678901234567890');
  expect(pruned).toContain('{"id":1,"id":9007199254740993}');
  expect(JSON.parse(pruned)).toEqual(JSON.parse(text));
});

test('rule 60: a number of a million digits is kept as it was written', async () => {
  const text = `{"data":[{"id":${'12'.repeat(500_000)}.5e3}]}`;

  expect(await prune(text)).toBe(text);
});

test.each<[string, KeptMembers, string, string]>([
  ['items by key', { ...KEPT, itemsAs: 'map' }, '{"data":{"a":{"id":1,"x":2}}}', '{"data":{"a":{"id":1}}}'],
  ['a single item', { ...KEPT, itemsAs: 'one_or_many' }, '{"data":{"id":1,"x":2}}', '{"data":{"id":1}}'],
  ['a list at the top', { ...KEPT, items: [] }, '[{"id":1,"x":2}]', '[{"id":1}]'],
  ['a list in a list', { ...KEPT, items: ['0', 'in'] }, '[{"in":[{"x":2}]}]', '[{"in":[{}]}]'],
  [
    'names in another case',
    { ...KEPT, ignoresCase: true },
    '{"Data":[{"ID":1,"X":2}]}',
    '{"Data":[{"ID":1}]}',
  ],
  ['another shape', KEPT, '{"data":{"x":2}}', '{"data":{"x":2}}'],
  ['lists on the way', KEPT, '{"data":[{"name":[{"x":1}]}]}', '{"data":[{"name":[{"x":1}]}]}'],
  [
    'a member as a whole and in part',
    { ...KEPT, members: [['a', 'b'], ['a']] },
    '{"data":[{"a":{"b":1,"c":2},"b":3}]}',
    '{"data":[{"a":{"b":1,"c":2}}]}',
  ],
])('rule 60: the mapped members of %s are kept', async (_name, kept, text, pruned) => {
  expect(await prune(text, kept)).toBe(pruned);
});

test('rule 60: more mapped values than may be held are refused', async () => {
  await expect(prune(`{"data":[${'{},'.repeat(2_000)}{}]}`)).rejects.toThrow(TooManyValues);
});

test.each([
  '',
  '[1',
  '{"data":[{"id":1}',
  '{"a" 1}',
  '{"a":1,}',
  '[1,]',
  '[1 2]',
  '{1:2}',
  '[1}',
  '[,1]',
  '[]]',
  '{"x":[tru]}',
  '[1] 2',
  '[1] tru',
  '[1] "2',
])('rule 60: %j never becomes a list', async (text) => {
  await expect(prune(text)).rejects.toThrow(NotJson);
});

test('rule 60: everything around the items stays, whatever it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (around) => {
      const text = JSON.stringify({ around, data: [{ id: 1, dropped: around }] });
      expect(JSON.parse(await prune(text, KEPT, 1_000_000))).toEqual({
        around: JSON.parse(JSON.stringify(around)),
        data: [{ id: 1 }],
      });
    }),
  );
});
