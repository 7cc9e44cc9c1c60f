/** States of runs and what becomes of requests (rules.md 30, 35, 38), by table and by chance. */
import * as fc from 'fast-check';
import {
  isAwaitedRun,
  isJobEnded,
  isRunEnded,
  isWider,
  JOB_STATES,
  type JobFacts,
  type JobState,
  priorityOfRun,
  RUN_SCOPES,
  type RunRequest,
  summarizeRun,
  widest,
} from '../../../domain/sync-runs/sync-run';

const STARTED = { isStarted: true, isCancelRequested: false };
const job = (state: JobState, more: Partial<JobFacts> = {}): JobFacts => ({
  recordType: 'contacts',
  state,
  isLastAttemptFailed: false,
  recordsFailed: 0,
  watermarkKept: null,
  recordsSkipped: 0,
  ...more,
});
const stateOf = (...jobs: JobFacts[]) => summarizeRun(jobs, STARTED).state;

const anyJob = fc.record({
  recordType: fc.constantFrom('', 'contacts', 'companies'),
  state: fc.constantFrom(...JOB_STATES),
  isLastAttemptFailed: fc.boolean(),
  recordsFailed: fc.constantFrom(0, 3),
  watermarkKept: fc.constantFrom(null, 'held_back' as const, 'just_pushed' as const),
  recordsSkipped: fc.constantFrom(0, 1),
});

describe('rule 35: the state of a run follows from its jobs', () => {
  it.each<[string, JobFacts[]]>([
    ['succeeded', [job('succeeded'), job('succeeded')]],
    ['succeeded', [job('succeeded'), job('not_supported')]],
    ['partially_succeeded', [job('succeeded'), job('failed')]],
    ['partially_succeeded', [job('succeeded', { recordsFailed: 1 })]],
    ['partially_succeeded', [job('succeeded', { watermarkKept: 'held_back' })]],
    ['succeeded', [job('succeeded', { watermarkKept: 'just_pushed' })]],
    ['partially_succeeded', [job('succeeded', { recordsSkipped: 1 })]],
    ['failed', [job('failed'), job('failed')]],
    ['failed', [job('failed'), job('not_supported')]],
    ['canceled', [job('succeeded'), job('canceled')]],
    ['running', [job('succeeded'), job('running'), job('waiting')]],
    ['running', [job('succeeded'), job('queued')]],
    ['waiting', [job('succeeded'), job('waiting')]],
  ])('is %s for %j', (state, jobs) => {
    expect(stateOf(...jobs)).toBe(state);
  });

  it('is not a success without a finished job', () => {
    expect(stateOf()).toBe('failed');
    expect(summarizeRun([], { isStarted: false, isCancelRequested: false })).toMatchObject({
      state: 'queued',
      isSyncFinished: false,
    });
    fc.assert(
      fc.property(fc.array(anyJob), fc.boolean(), fc.boolean(), (jobs, isStarted, isCancelRequested) => {
        const { state } = summarizeRun(jobs, { isStarted, isCancelRequested });
        const isSuccess = state === 'succeeded' || state === 'partially_succeeded';
        return (
          !isSuccess ||
          (jobs.every((one) => isJobEnded(one.state)) && jobs.some((one) => one.state === 'succeeded'))
        );
      }),
    );
  });

  it('is a full success only if no job failed', () => {
    fc.assert(
      fc.property(fc.array(anyJob), (jobs) => {
        if (stateOf(...jobs) !== 'succeeded') return;
        expect(
          jobs.filter(
            ({ state, recordsFailed }) => state === 'failed' || state === 'canceled' || recordsFailed > 0,
          ),
        ).toEqual([]);
      }),
    );
  });

  it('has ended exactly if it is finished, and counts no job twice', () => {
    fc.assert(
      fc.property(fc.array(anyJob, { minLength: 1 }), fc.boolean(), (jobs, isCancelRequested) => {
        const summary = summarizeRun(jobs, { isStarted: true, isCancelRequested });
        expect(isRunEnded(summary.state)).toBe(summary.isSyncFinished);
        expect(summary.successfulJobs + summary.failedJobs).toBeLessThanOrEqual(jobs.length);
      }),
    );
  });

  it('is canceled if a cancellation left work undone, and not if everything had succeeded', () => {
    const canceled = { isStarted: true, isCancelRequested: true };
    expect(summarizeRun([job('succeeded'), job('failed')], canceled).state).toBe('canceled');
    expect(summarizeRun([], canceled).state).toBe('canceled');
    expect(summarizeRun([job('succeeded'), job('succeeded')], canceled).state).toBe('succeeded');
  });
});

describe('rule 38: during a run', () => {
  it('counts jobs whose last attempt failed as failed, and jobs that recovered as neither', () => {
    const jobs = [
      job('waiting', { isLastAttemptFailed: true }),
      job('running'),
      job('succeeded', { isLastAttemptFailed: true }),
      job('failed'),
    ];
    expect(summarizeRun(jobs, STARTED)).toEqual({
      state: 'running',
      successfulJobs: 1,
      failedJobs: 2,
      isSyncFinished: false,
    });
  });
});

describe('rule 30: what is wider than what', () => {
  const request = fc.record({
    scope: fc.constantFrom(...RUN_SCOPES),
    recordTypes: fc.option(fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }), { nil: null }),
  });

  it.each<[boolean, RunRequest, RunRequest]>([
    [true, { scope: 'full', recordTypes: null }, { scope: 'modified', recordTypes: null }],
    [false, { scope: 'modified', recordTypes: null }, { scope: 'full', recordTypes: null }],
    [true, { scope: 'modified', recordTypes: null }, { scope: 'last_day', recordTypes: null }],
    [true, { scope: 'last_day', recordTypes: null }, { scope: 'modified', recordTypes: null }],
    [false, { scope: 'full', recordTypes: ['a'] }, { scope: 'full', recordTypes: null }],
    [true, { scope: 'modified', recordTypes: null }, { scope: 'full', recordTypes: ['a'] }],
    [true, { scope: 'modified', recordTypes: ['b'] }, { scope: 'full', recordTypes: ['a'] }],
  ])('%s: %j against %j', (expected, asked, other) => {
    expect(isWider(asked, other)).toBe(expected);
  });

  it('the widest of two covers both, and nothing is wider than itself', () => {
    fc.assert(
      fc.property(request, request, (a, b) => {
        expect(isWider(a, a)).toBe(false);
        expect([isWider(a, widest(a, b)), isWider(b, widest(a, b))]).toEqual([false, false]);
      }),
    );
  });

  it('the widest of two is not wider than both together where one covers the other', () => {
    fc.assert(
      fc.property(request, request, (a, b) => {
        expect(isWider(a, b) || !isWider(widest(a, b), b)).toBe(true);
      }),
    );
  });
});

describe('rule 59: a run', () => {
  it.each([
    ['sync_now', [], 1],
    ['incremental', [], 1],
    ['sign_in', [], 2],
    ['hourly', [], 3],
    ['full', [], 4],
    ['onboarding', [], 4],
    ['nightly', [], 4],
    ['nightly', ['nightly', 'sign_in'], 2],
    ['hourly', ['hourly', 'incremental'], 1],
  ] as const)('of the kind %s that stands for %j has the priority %d', (kind, standsFor, priority) => {
    const run = { kind, standsFor, isAwaited: false };
    expect(priorityOfRun(run)).toBe(priority);
    // The slots that are kept for people follow the same order.
    expect(isAwaitedRun(run)).toBe(priority <= 2);
    expect(priorityOfRun({ ...run, isAwaited: true })).toBe(1);
    expect(isAwaitedRun({ ...run, isAwaited: true })).toBe(true);
  });
});
