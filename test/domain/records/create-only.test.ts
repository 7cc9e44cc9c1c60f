/** What an update sends of lists and objects of which a part is only sent on creation. */
import * as fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../../domain/json';
import { remoteDifference } from '../../../domain/pull/remote-difference';
import {
  createOnlyPlaces,
  problemOfEntry,
  withoutCreateOnly,
  withWhatIsThere,
} from '../../../domain/records/create-only';
import { type FieldMapping, mapRecord } from '../../../domain/records/mapping';
import { parsePlace, setAt, valueAt } from '../../../domain/records/place';

const onCreate = (to: string, value: Partial<FieldMapping> = { name: to }): FieldMapping => ({
  ...value,
  to,
  onlyOnCreate: true,
});
const always = (to: string): FieldMapping => ({ name: to, to });
const constant = (to: string, value: JsonValue): FieldMapping => ({ to, constant: value });

const payloadOf = (fields: FieldMapping[], values: JsonObject): JsonObject => {
  const mapped = mapRecord({ direction: 'push', onDelete: 'leave', fields }, values);
  if (!mapped.ok) throw new Error('The values cannot be mapped.');
  return mapped.payload;
};

/** What an update sends if `there` is what the third party has. */
const updateOf = (fields: FieldMapping[], values: JsonObject, there: JsonObject): JsonObject => {
  const createOnly = createOnlyPlaces(fields);
  const payload = withoutCreateOnly(payloadOf(fields, values), createOnly);
  return withWhatIsThere(payload, createOnly, there, fields);
};

const PHONES = [
  constant('/phones/0/type', 'work'),
  always('/phones/0/number'),
  constant('/phones/1/type', 'home'),
  onCreate('/phones/1/number'),
];
const NUMBERS = { '/phones/0/number': '1', '/phones/1/number': '2' };

describe('a home number that is sent on creation only, beside a work number', () => {
  it.each<[string, JsonValue[], JsonValue[]]>([
    [
      'stays as it was changed there',
      [{ type: 'home', number: '9', note: 'x' }],
      [{ type: 'home', number: '9', note: 'x' }],
    ],
    ['does not come back after it was removed there', [{ type: 'work', number: '0' }], []],
    [
      'stays if the work number was removed there',
      [{ type: 'home', number: '2' }],
      [{ type: 'home', number: '2' }],
    ],
    [
      'stays where the app sorts its list',
      [{ type: 'Home', number: '2' }, { type: 'work' }],
      [{ type: 'Home', number: '2' }],
    ],
    ['does not come back into an empty list', [], []],
  ])('%s', (_title, there, kept) => {
    expect(updateOf(PHONES, NUMBERS, { phones: there })).toEqual({
      phones: [{ type: 'work', number: '1' }, ...kept],
    });
  });

  it('is not touched by an update if the whole list is sent on creation only', () => {
    const fields = [always('/name'), onCreate('/phones/0'), onCreate('/phones/1')];

    expect(updateOf(fields, { '/name': 'A', '/phones/0': '1', '/phones/1': '2' }, { phones: [] })).toEqual({
      name: 'A',
    });
  });

  it('keeps the list as it is there, if only the object around it is sent', () => {
    const fields = [
      always('/contact/email'),
      onCreate('/contact/phones/0/number'),
      onCreate('/contact/phones/1/number'),
    ];
    const there = { contact: { email: 'old', phones: [{ number: '7', note: 'x' }] } };

    expect(updateOf(fields, { '/contact/email': 'new', '/contact/phones/0/number': '1' }, there)).toEqual({
      contact: { email: 'new', phones: [{ number: '7', note: 'x' }] },
    });
  });

  it.each<[string, FieldMapping[], string | undefined]>([
    ['a constant each', PHONES, undefined],
    ['no constants', PHONES.filter((field) => field.constant === undefined), '/phones/1/number'],
    [
      'the same constant',
      PHONES.map((field) => (field.constant === undefined ? field : { ...field, constant: 'x' })),
      '/phones/1/type',
    ],
    [
      'the home number first',
      [constant('/phones/2/type', 'work'), always('/phones/2/number'), ...PHONES.slice(2)],
      '/phones/1/type',
    ],
    ['no other entry', [always('/phones/0/number'), onCreate('/phones/0/label')], undefined],
    ['nothing that updates send', [onCreate('/phones/0'), onCreate('/phones/1')], undefined],
  ])('can be mapped or not with %s', (_title, fields, refused) => {
    const problems = fields.filter(({ to }) => problemOfEntry(to, fields) !== undefined);

    expect(problems[0]?.to).toBe(refused);
  });
});

/** Entries in a list, with a value and a label each; those that are sent on creation only come last. */
interface Shape {
  list: string;
  kinds: ('always' | 'mixed' | 'created')[];
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  list: fc.constantFrom('/list', '/around/list', '/around/0/list'),
  kinds: fc
    .array(fc.constantFrom('always' as const, 'mixed' as const, 'created' as const), {
      minLength: 1,
      maxLength: 5,
    })
    .map((kinds) => kinds.toSorted((a, b) => Number(a === 'created') - Number(b === 'created'))),
});
const nested = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>;

function fieldsOf({ list, kinds }: Shape): FieldMapping[] {
  const entries = kinds.flatMap((kind, index) => {
    const at = `${list}/${index}`;
    return [
      constant(`${at}/type`, `t${index}`),
      kind === 'created' ? onCreate(`${at}/value`) : always(`${at}/value`),
      kind === 'always' ? always(`${at}/label`) : onCreate(`${at}/label`),
    ];
  });
  const sides =
    list === '/list'
      ? ['/around/sent', '/around/created']
      : [`${list.slice(0, -5)}/sent`, `${list.slice(0, -5)}/created`];
  return [...entries, always(sides[0]!), onCreate(sides[1]!)];
}

const typeOf = (entry: JsonValue): JsonValue | undefined => valueAt(entry, ['type']);

it('whatever was changed or removed there, an update changes only what it always sends', () => {
  const edits = fc.array(
    fc.record({ entry: fc.nat(5), edit: fc.constantFrom('remove', 'value', 'label', 'more'), value: nested }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(
      shapes,
      fc.array(nested, { minLength: 24, maxLength: 24 }),
      edits,
      fc.boolean(),
      (shape, random, changes, isSorted) => {
        const fields = fieldsOf(shape);
        const named = fields.flatMap(({ name }) => name ?? []);
        const [first, second] = [0, 12].map((from) =>
          Object.fromEntries(named.map((name, index) => [name, random[from + index] ?? null])),
        );
        const place = parsePlace(shape.list);
        const there = structuredClone(payloadOf(fields, first!));
        let list = [...(valueAt(there, place) as JsonObject[])];
        for (const { entry, edit, value } of changes) {
          const type = `t${entry}`;
          if (edit === 'remove') list = list.filter((one) => typeOf(one) !== type);
          else list = list.map((one) => (typeOf(one) === type ? { ...one, [edit]: value } : one));
        }
        if (isSorted) list = list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
        setAt(there, place, list);

        const update = updateOf(fields, second!, there);
        const after = { ...there, ...update };

        const listAfter = valueAt(after, place) as JsonObject[];
        const entry = (entries: JsonObject[], index: number) =>
          entries.find((one) => typeOf(one) === `t${index}`);
        shape.kinds.forEach((kind, index) => {
          const [before, now] = [entry(list, index), entry(listAfter, index)];
          const sent = `${shape.list}/${index}`;
          const label = kind === 'mixed' ? before?.['label'] : second![`${sent}/label`];
          const updated = { type: `t${index}`, value: second![`${sent}/value`], label };
          expect(now).toEqual(kind === 'created' ? before : updated);
        });
        expect(listAfter.every((one) => typeOf(one) !== undefined)).toBe(true);
        expect(fields.flatMap(({ to }) => problemOfEntry(to, fields) ?? [])).toEqual([]);
        const created = fields.at(-1)!.to;
        expect(valueAt(after, parsePlace(created))).toEqual(valueAt(there, parsePlace(created)));
        expect(updateOf(fields, second!, after)).toEqual(update);
        const mapping = { direction: 'push' as const, onDelete: 'leave' as const, fields };
        const sent = { fields: second!, payload: payloadOf(fields, second!) };
        expect(remoteDifference(mapping, sent, after, null).difference).toBeNull();
      },
    ),
    { numRuns: 500 },
  );
});
