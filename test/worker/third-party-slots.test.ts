/** Work waits a moment for a slot of its worker, and then leaves it to other workers (rule 60). */
import { ApplicationFailure } from '@temporalio/common';
import type { Database } from '../../db/database';
import { followDatabaseClock } from '../../db/sql/ids';
import { ThirdPartySlots } from '../../worker/third-party-slots';

jest.useFakeTimers();

const slots = new ThirdPartySlots({} as Database, { push: 3, pull: 3, webhooks: 3 });

/** Two of the three slots can be held by pushes, one of them by a tenant. */
function push(tenantId: string, run: () => Promise<string>, priorityKey = 3): Promise<string> {
  const info = { taskQueue: 'push', scheduledTimestampMs: Date.now(), priority: { priorityKey } };
  const work = { tenantId, kind: 'push', subjectId: 'int', job: '', integrationId: 'int' } as const;
  return slots.run(info as never, work, run);
}

test('a push begins in the moment in which another one ends', async () => {
  const end = jest.fn();
  const first = push('a', () => new Promise((resolve) => end.mockImplementation(() => resolve('first'))));
  const second = push('a', async () => 'second');
  await jest.advanceTimersByTimeAsync(2_000);
  end();
  await expect(Promise.all([first, second])).resolves.toEqual(['first', 'second']);
});

test('a push without a slot goes back to the task queue after 3 s and is repeated', async () => {
  const end = jest.fn();
  const first = push('a', () => new Promise((resolve) => end.mockImplementation(() => resolve('first'))));
  const second = push('a', async () => 'second').catch((error: unknown) => error);
  await jest.advanceTimersByTimeAsync(3_000);
  const failure = (await second) as ApplicationFailure;
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({ type: 'SlotsInUse', nextRetryDelay: '1 seconds', nonRetryable: false });
  end();
  await expect(first).resolves.toBe('first');
  await expect(push('a', async () => 'third')).resolves.toBe('third');
});

test.each([-13, 37])(
  'a push without a slot is repeated as soon where the clock of the machine is wrong by %i minutes',
  async (minutes) => {
    const end = jest.fn();
    const first = push('a', () => new Promise((resolve) => end.mockImplementation(() => resolve('first'))));
    const second = push('a', async () => 'second').catch((error: unknown) => error);
    const scheduledAt = Date.now();
    jest.setSystemTime(scheduledAt + minutes * 60_000);
    followDatabaseClock(Date.now(), scheduledAt, Date.now());
    await jest.advanceTimersByTimeAsync(3_000);

    expect(await second).toMatchObject({ type: 'SlotsInUse', nextRetryDelay: '1 seconds' });
    end();
    await first;
    followDatabaseClock(Date.now(), Date.now(), Date.now());
  },
);

test('a Push now gets a slot that is kept for people, and an edit waits', async () => {
  const ends: (() => void)[] = [];
  const hold = () => new Promise<string>((resolve) => ends.push(() => resolve('held')));
  const held = [push('a', hold), push('b', hold)];
  await jest.advanceTimersByTimeAsync(0);
  const edit = push('c', async () => 'edit');
  await expect(push('c', async () => 'Push now', 1)).resolves.toBe('Push now');
  for (const end of ends) end();
  await expect(Promise.all([...held, edit])).resolves.toEqual(['held', 'held', 'edit']);
});

test('a push without a priority, as of version 0.3.0, gets no slot that is kept for people', async () => {
  const ends: (() => void)[] = [];
  const hold = () => new Promise<string>((resolve) => ends.push(() => resolve('held')));
  const held = [push('a', hold), push('b', hold)];
  await jest.advanceTimersByTimeAsync(0);
  const former = push('c', async () => 'former', 0).catch((error: unknown) => error);
  await jest.advanceTimersByTimeAsync(3_000);
  expect(await former).toMatchObject({ type: 'SlotsInUse' });
  for (const end of ends) end();
  await expect(Promise.all(held)).resolves.toEqual(['held', 'held']);
});

test('work that fails gives its slot back', async () => {
  await expect(push('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(push('a', async () => 'next')).resolves.toBe('next');
});
