/** What a failed attempt means for a sync job: rules 11 and 35. */
import { Unavailable } from '../../../connectors/errors';
import { noteOwnFailure } from '../../../db/sql/database-away';
import { afterFailure, type FailedAttempt } from '../../../activities/sync-runs/job-failure';

const attempt = {
  recordType: 'contacts',
  log: { error: () => undefined },
  job: { retryInternal: async () => ({ state: 'waiting' }) },
} as unknown as FailedAttempt;
const failure = (code: string | undefined, message = '') => Object.assign(new Error(message), { code });

describe('a failure of the own database', () => {
  it.each([
    '57014',
    '55P03',
    '40P01',
    '40001',
    '53200',
    '53400',
    '25P04',
    '25P02',
    '23505',
    '42703',
    '54000',
  ])('with %s is an error of the job, so its attempts count and end', async (code) => {
    await expect(afterFailure(failure(code), attempt)).resolves.toEqual({ state: 'waiting' });
  });

  it('that is a statement timeout stays one whatever it is called', async () => {
    const error = failure('57014', 'canceling statement due to statement timeout');
    await expect(afterFailure(error, attempt)).resolves.toEqual({ state: 'waiting' });
  });

  it.each(['57P01', '57P03', '08006', '53100', '53300', '58030', '25006', '25P03', 'ECONNREFUSED'])(
    'with %s is left to Temporal: the database is away',
    async (code) => {
      const error = failure(code);
      await expect(afterFailure(error, attempt)).rejects.toBe(error);
    },
  );

  it('without a code is left to Temporal when the connection ended', async () => {
    for (const message of ['Connection terminated unexpectedly', 'timeout exceeded when trying to connect'])
      await expect(afterFailure(failure(undefined, message), attempt)).rejects.toThrow(message);
  });

  it('that a connector has wrapped stays what it is', async () => {
    const wrapped = (code: string) =>
      new Unavailable('The package is faulty.', null, { cause: noteOwnFailure(failure(code)) });

    await expect(afterFailure(wrapped('57014'), attempt)).resolves.toEqual({ state: 'waiting' });
    await expect(afterFailure(wrapped('57P01'), attempt)).rejects.toMatchObject({ code: '57P01' });
  });
});
