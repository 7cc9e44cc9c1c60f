import fs from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '../support/servers/shared-servers';

type Reporter = new () => { onRunComplete(contexts: unknown, results: Record<string, number>): void };
// eslint-disable-next-line @typescript-eslint/no-require-imports
const CountingReporter = require('../support/counting-reporter.cjs') as Reporter;

const none = {
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
};

function count(results: Partial<typeof none>, isFiltered: boolean): unknown {
  const file = path.join(temporaryFolder('counting'), 'counts.json');
  const before = { ...process.env };
  Object.assign(process.env, { TEST_COUNTS_FILE: file, TEST_IS_FILTERED: isFiltered ? '1' : '' });
  const silent = jest.spyOn(console, 'error').mockImplementation(() => {});
  new CountingReporter().onRunComplete(undefined, { ...none, ...results });
  silent.mockRestore();
  process.env = before;
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

it('counts a file that could not be loaded as a failure', () => {
  expect(count({ numPassedTests: 5, numRuntimeErrorTestSuites: 1 }, false)).toEqual({ passed: 5, failed: 1 });
});

it('counts skipped tests as failures', () => {
  expect(count({ numPassedTests: 5, numPendingTests: 2, numTodoTests: 1 }, false)).toEqual({
    passed: 5,
    failed: 3,
  });
});

it('does not count tests that the caller has not selected', () => {
  expect(count({ numPassedTests: 5, numPendingTests: 90 }, true)).toEqual({ passed: 5, failed: 0 });
});
