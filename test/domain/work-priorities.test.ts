/** Which priority an execution of a queue gets (rule 59). */
import { dueByPriority } from '../../domain/push/push-kind';
import { priorityBy } from '../../domain/work-priorities';

it.each([
  ['what is due decides, although more urgent work follows', { 5: 10, 3: 30 }, 20, 5],
  ['the most urgent of what is due decides', { 5: 10, 3: 20, 1: 30 }, 20, 3],
  ['before anything is due, the most urgent of what waits decides', { 5: 30, 4: 40 }, 20, 4],
  ['there is none without work', {}, 20, undefined],
])('%s', (_title, due, at, priorityKey) => {
  expect(priorityBy(due, at)).toBe(priorityKey);
});

it('pushes of a person, edits, bulk changes and backfills have a priority each', () => {
  const at = (ms: number) => new Date(ms);
  expect(dueByPriority([at(1), at(2), at(3), at(4)])).toEqual({ 1: 1, 3: 2, 4: 3, 5: 4 });
  expect(dueByPriority([null, at(2), null, null])).toEqual({ 3: 2 });
});
