/** What an overview of a push shows (rules.md 22). */
import * as fc from 'fast-check';
import { isJsonObject, type JsonObject, jsonEquals, memberOf } from '../../../domain/json';
import { payloadDifference } from '../../../domain/records/payload-difference';
import { jsonObject, jsonValue } from '../arbitraries';

/** The remote record after the push: objects keep remote-only fields, everything else is replaced. */
function sent(payload: JsonObject, remote: JsonObject): JsonObject {
  const merged = new Map(Object.entries(remote));
  for (const [name, wanted] of Object.entries(payload)) {
    const there = merged.get(name) ?? null;
    merged.set(name, isJsonObject(wanted) && isJsonObject(there) ? sent(wanted, there) : wanted);
  }
  return Object.fromEntries(merged);
}
const withoutNulls = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

describe('rule 22: the difference of a remote record', () => {
  it.each<[string, JsonObject, JsonObject, JsonObject | null, JsonObject | null]>([
    ['another value', { a: 1 }, { a: 2 }, { a: 2 }, { a: 1 }],
    ['a field that is absent there', { a: 1 }, {}, { a: null }, { a: 1 }],
    ['a field that has to be empty there', { a: null }, { a: 1 }, { a: 1 }, { a: null }],
    ['absent at the third party and empty in Syncline', { a: null }, {}, null, null],
    ['the same in another order', { a: { b: 1, c: [1, 2] } }, { a: { c: [1, 2], b: 1 } }, null, null],
    ['a list in another order', { a: [1, 2] }, { a: [2, 1] }, null, null],
    ['a list with another member', { a: [1, 2] }, { a: [2, 3] }, { a: [2, 3] }, { a: [1, 2] }],
    ['remote-only fields, at the top and inside', { a: { b: 1 } }, { a: { b: 1, z: 9 }, z: 9 }, null, null],
    [
      'a member inside, shown with its whole top-level field',
      { a: { b: 1 } },
      { a: { b: 2, z: 9 } },
      { a: { b: 2, z: 9 } },
      { a: { b: 1 } },
    ],
    ['an object in place of a text', { a: { b: 1 } }, { a: 'text' }, { a: 'text' }, { a: { b: 1 } }],
    ['a number in place of the text of it', { a: 1 }, { a: '1' }, { a: '1' }, { a: 1 }],
    [
      'a field named like an inherited property of JavaScript',
      { constructor: {} },
      {},
      { constructor: null },
      { constructor: {} },
    ],
    ['only the fields that differ', { a: 1, b: 2 }, { a: 1, b: 3 }, { b: 3 }, { b: 2 }],
  ])('%s', (_, payload, remote, before, after) => {
    expect(payloadDifference(payload, remote)).toEqual(before === null ? null : { before, after });
  });

  it('is empty for the same payload, whatever other fields exist', () => {
    fc.assert(
      fc.property(jsonObject(), jsonObject(), (payload, extra) =>
        expect(payloadDifference(payload, { ...extra, ...payload })).toBeNull(),
      ),
    );
  });

  it('is empty once the payload was sent: a second Sync Now has nothing to do', () => {
    fc.assert(
      fc.property(jsonObject(), jsonObject(), (payload, remote) =>
        expect(payloadDifference(payload, sent(payload, remote))).toBeNull(),
      ),
    );
  });

  it('names exactly the differing fields of the payload, with their actual and expected values', () => {
    fc.assert(
      fc.property(jsonObject(), jsonObject(), (payload, remote) => {
        const difference = payloadDifference(payload, remote) ?? { before: {}, after: {} };
        expect(Object.keys(difference.before)).toEqual(Object.keys(difference.after));
        for (const name of Object.keys(difference.after)) {
          expect(Object.hasOwn(payload, name)).toBe(true);
          expect(jsonEquals(memberOf(difference.after, name), memberOf(payload, name))).toBe(true);
          expect(jsonEquals(memberOf(difference.before, name), memberOf(remote, name))).toBe(true);
        }
        // What is not named is there already.
        for (const name of Object.keys(payload).filter((one) => !Object.hasOwn(difference.after, one)))
          expect(payloadDifference({ a: memberOf(payload, name) }, { a: memberOf(remote, name) })).toBeNull();
      }),
    );
  });

  it('does not depend on remote-only fields, nor on whether empty fields exist', () => {
    fc.assert(
      fc.property(jsonObject(), jsonObject(), jsonValue(), (payload, remote, extra) => {
        const difference = payloadDifference(payload, remote);
        expect(payloadDifference(payload, { ...remote, 'a name that no payload has': extra })).toEqual(
          difference,
        );
        expect(payloadDifference(payload, withoutNulls(remote))).toEqual(difference);
      }),
    );
  });
});

describe('rule 48: the difference of a list with selectors', () => {
  const fields = [
    { to: 'emails[type eq "work"].value' },
    { to: 'emails[type eq "work"].primary' },
    { to: 'phones[primary eq true].value' },
  ];
  const home = { type: 'home', value: 'h' };
  const work = { type: 'work', value: 'w', primary: true, display: 'Work' };
  const payload = { emails: [{ type: 'work', value: 'w', primary: true }] };

  it.each<[string, JsonObject, JsonObject, boolean]>([
    ['is none beside other members and other sub-attributes', payload, { emails: [home, work] }, false],
    ['is none in another order', payload, { emails: [work, home] }, false],
    [
      'is none where the type is written in capitals',
      payload,
      { emails: [{ ...work, type: 'WORK' }] },
      false,
    ],
    ['is a missing member', payload, { emails: [home] }, true],
    ['is another value of the member', payload, { emails: [home, { ...work, value: 'x' }] }, true],
    ['is a value under another type', payload, { emails: [{ ...work, type: 'other' }] }, true],
    ['is a missing list', payload, {}, true],
    [
      'is none for a member without a value that is missing',
      { emails: [{ type: 'work', value: null, primary: true }] },
      { emails: [home] },
      false,
    ],
    [
      'is a value that should be removed',
      { emails: [{ type: 'work', value: null }] },
      { emails: [work] },
      true,
    ],
    [
      'is none for the only member of a service that marks none',
      { phones: [{ primary: true, value: '1' }] },
      { phones: [{ value: '1' }] },
      false,
    ],
  ])('%s', (_title, wanted, remote, isDifferent) => {
    expect(payloadDifference(wanted, remote, fields) !== null).toBe(isDifferent);
  });
});
