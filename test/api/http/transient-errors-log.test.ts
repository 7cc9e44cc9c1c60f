/** What the log of the api says while the database is away (rules.md R6). */
import { Writable } from 'node:stream';
import { HttpError } from '../../../api/http/http-error';
import { TransientErrorsLog } from '../../../api/http/transient-errors-log';
import { createLog } from '../../../runtime/log';

const refused = (code: string) =>
  new HttpError('database_unavailable', { cause: Object.assign(new Error('connect'), { code }) });

let lines: Record<string, unknown>[];
let errors: TransientErrorsLog;
beforeEach(() => {
  jest.useFakeTimers();
  lines = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  errors = new TransientErrorsLog(createLog({ process: 'api', level: 'info', destination }));
});
afterEach(() => jest.useRealTimers());

const withoutNoise = () => lines.map(({ msg, code, requests }) => ({ msg, code, requests }));
const FIRST = { msg: 'request failed with a transient error', code: 'database_unavailable' };
const MORE = { msg: 'more requests failed with the same transient error within a minute' };

it('a thousand requests without a database are two lines a minute, with their number', () => {
  for (let at = 0; at < 1_000; at += 1) errors.add(refused('ECONNREFUSED'), `req_${at}`);
  expect(withoutNoise()).toEqual([FIRST]);
  expect(lines[0]).toMatchObject({ request_id: 'req_0', err: { code: 'ECONNREFUSED' } });

  jest.advanceTimersByTime(60_000);
  expect(withoutNoise().slice(1)).toEqual([{ ...MORE, code: 'database_unavailable', requests: 999 }]);

  errors.add(refused('ECONNREFUSED'), 'req_1000');
  jest.advanceTimersByTime(60_000);
  expect(withoutNoise().slice(2)).toEqual([{ ...MORE, code: 'database_unavailable', requests: 1 }]);
});

it('another kind of failure, and one after a minute without any, is logged in full', () => {
  errors.add(refused('ECONNREFUSED'), 'req_1');
  errors.add(refused('57P01'), 'req_2');
  jest.advanceTimersByTime(120_000);
  errors.add(refused('ECONNREFUSED'), 'req_3');

  expect(lines.map((line) => line['request_id'])).toEqual(['req_1', 'req_2', 'req_3']);
});
