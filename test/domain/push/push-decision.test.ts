/** The decision on a due record sync (rules.md 5, 6, 14), by table. */
import { type DueRecordSync, decidePush } from '../../../domain/push/push-decision';
import type { PushTarget } from '../../../domain/records/mapping';

const firedAt = new Date('2026-01-01T12:00:00Z');
const earlier = new Date(firedAt.getTime() - 1_000);
const upsert: PushTarget = { operation: 'upsert', payload: { name: 'A' } };
const due = (more: Partial<DueRecordSync> = {}): DueRecordSync => ({
  dueAt: earlier,
  windowReason: 'quiet',
  heldAt: null,
  discardedAt: null,
  pushId: null,
  pushHash: null,
  unresolvedPushId: null,
  resultStatus: null,
  resultHash: null,
  ...more,
});
const judge = (recordSync: DueRecordSync, target: PushTarget = upsert, isLinked = false) =>
  decidePush(recordSync, { target, hash: 'now', isLinked }, firedAt);

it('pushes a due window under a new id', () => {
  expect(judge(due())).toEqual({ kind: 'push', isNew: true });
});

it('does not push before the quiet time has passed, or if the record sync is held', () => {
  expect(judge(due({ dueAt: new Date(firedAt.getTime() + 1) }))).toEqual({ kind: 'wait' });
  expect(judge(due({ heldAt: earlier }))).toEqual({ kind: 'wait' });
});

it('repeats an earlier push under its id if the content is the same, and not otherwise', () => {
  expect(judge(due({ dueAt: null, pushId: 'p', pushHash: 'now' }))).toEqual({ kind: 'push', isNew: false });
  expect(judge(due({ dueAt: null, pushId: 'p', pushHash: 'then' }))).toEqual({ kind: 'push', isNew: true });
});

describe('rule 5: no net change', () => {
  it('ends without a call if the last concluded push had the same content', () => {
    expect(judge(due({ resultStatus: 'synced', resultHash: 'now' }))).toEqual({
      kind: 'end',
      result: 'no_net_change',
    });
  });

  it('does not count while an earlier push is uncertain, nor for Retry now', () => {
    expect(judge(due({ resultHash: 'now', pushId: 'p', pushHash: 'then' }))).toEqual({
      kind: 'push',
      isNew: true,
    });
    expect(judge(due({ resultStatus: 'sync_failed', resultHash: 'now', windowReason: 'retry' }))).toEqual({
      kind: 'push',
      isNew: true,
    });
  });
});

describe('rule 14: leaving', () => {
  const gone: PushTarget = { operation: 'deactivate' };

  it('only closes the window of a record that was never sent', () => {
    expect(judge(due(), gone)).toEqual({ kind: 'end', result: 'closed' });
  });

  it.each([
    ['was sent', due({ resultStatus: 'synced' }), false],
    ['may have been created', due({ unresolvedPushId: 'p' }), false],
    ['is known there', due(), true],
  ])('keeps a record that %s', (_what, recordSync, isLinked) => {
    expect(judge(recordSync, gone, isLinked)).toEqual({ kind: 'push', isNew: true });
  });

  it('makes no call with on_delete leave', () => {
    expect(judge(due({ resultStatus: 'synced' }), { operation: 'leave' })).toEqual({
      kind: 'end',
      result: 'left',
    });
  });
});

it('does not repeat a push that contains discarded changes', () => {
  expect(judge(due({ dueAt: null, pushId: 'p', pushHash: 'then', discardedAt: earlier }))).toEqual({
    kind: 'end',
    result: 'discarded',
  });
});

it('rule 47: never ends as no net change if the mapping cannot express the record', () => {
  const errors = [{ field: 'grade', to: 'grade', message: 'no counterpart' }];
  for (const resultHash of ['now', null])
    expect(
      decidePush(
        due({ resultStatus: 'synced', resultHash }),
        { target: { operation: 'invalid', errors }, hash: null, isLinked: true },
        firedAt,
      ),
    ).toEqual({ kind: 'invalid', errors });
});

it('fails without a call if the mapping cannot express the record', () => {
  const errors = [{ field: 'grade', to: 'grade', message: 'no counterpart' }];
  expect(judge(due(), { operation: 'invalid', errors })).toEqual({ kind: 'invalid', errors });
});
