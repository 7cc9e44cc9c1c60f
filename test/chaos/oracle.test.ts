/**
 * Tests of the oracle: it reports nothing for a trial that ended well, and every kind of violation is
 * noticed.
 */
import type { LedgerCall, Person } from '../support/servers/ledger-server';
import { type Case, violationsOf } from './oracle';

const GRACE_MS = 300;
const call = (changes: Partial<LedgerCall> = {}): LedgerCall => ({
  account: 'main',
  method: 'POST',
  kind: 'create',
  externalId: 'r-1',
  rev: 1,
  key: 'k1',
  bodyHash: '',
  at: 1_000 + GRACE_MS,
  isEffect: true,
  status: 201,
  isOverlapping: false,
  ...changes,
});
const update = (changes: Partial<LedgerCall> = {}): LedgerCall =>
  call({ kind: 'update', method: 'PATCH', rev: 2, key: 'k2', at: 2_500, ...changes });
const person = (rev: number): Person => ({ id: 'p1', external_id: 'r-1', rev, is_active: true, fields: {} });

/** Two versions of one record, both acknowledged and both pushed. */
function aCase({
  calls = [call(), update()],
  people = [person(2)],
  version = 2,
}: { calls?: LedgerCall[]; people?: Person[]; version?: number } = {}): Case {
  const change = (number: number, sentAt: number) => ({
    externalId: 'r-1',
    version: number,
    sentAt,
    isAcknowledged: true,
  });
  return {
    account: { name: 'main', integrationId: 'int_1', graceMs: GRACE_MS },
    changes: [change(1, 1_000), change(2, 2_000)],
    versionOf: new Map([['r-1', version]]),
    ledger: { changes: () => calls, people: () => people },
  };
}

it('reports nothing when all went well, a repetition under the same key included', () => {
  expect(violationsOf(aCase())).toEqual([]);
  expect(violationsOf(aCase({ calls: [call(), call({ at: 1_900, isEffect: false }), update()] }))).toEqual(
    [],
  );
});

it.each<[string, RegExp, Parameters<typeof aCase>[0]]>([
  ['an acknowledged change that we lost', /acknowledged and is lost/, { version: 1, people: [person(1)] }],
  ['one that never arrived', /is there as version 1/, { people: [person(1)] }],
  ['a missing record', /is there 0 times/, { people: [] }],
  ['a duplicate', /is there 2 times/, { people: [person(2), { ...person(2), id: 'p2' }] }],
  ['a second effect', /2 effects/, { calls: [call(), update(), update({ key: 'k3' })] }],
  ['a call before its time', /100 ms early/, { calls: [call({ at: 1_200 }), update()] }],
  ['two calls at once', /at once/, { calls: [call(), update({ isOverlapping: true })] }],
  [
    'an older version after a newer one',
    /older version/,
    { calls: [update({ kind: 'create' }), call({ kind: 'update', at: 3_000 })] },
  ],
  ['a change that was never made', /never made/, { calls: [call(), update(), update({ rev: 7 })] }],
])('notices %s', (_harm, skippedRecord, changes) => {
  expect(violationsOf(aCase(changes)).join('\n')).toMatch(skippedRecord);
});
