import fs from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '../support/servers/shared-servers';

interface Results extends Record<string, unknown> {
  testResults: {
    testFilePath: string;
    testExecError?: object;
    testResults: { status: string; fullName: string }[];
  }[];
}
type Reporter = new () => { onRunComplete(contexts: unknown, results: Results): void };
// eslint-disable-next-line @typescript-eslint/no-require-imports
const CountingReporter = require('../support/counting-reporter.cjs') as Reporter;

const none = {
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
  testResults: [] as Results['testResults'],
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
  expect(count({ numPassedTests: 5, numRuntimeErrorTestSuites: 1 }, false)).toMatchObject({
    passed: 5,
    failed: 1,
  });
});

it('counts skipped tests as failures', () => {
  expect(count({ numPassedTests: 5, numPendingTests: 2, numTodoTests: 1 }, false)).toMatchObject({
    passed: 5,
    failed: 3,
  });
});

it('does not count tests that the caller has not selected', () => {
  expect(count({ numPassedTests: 5, numPendingTests: 90 }, true)).toMatchObject({ passed: 5, failed: 0 });
});

it('names what failed, so that it is read below the output of all suites', () => {
  const testFilePath = path.resolve('test/api/records.test.ts');
  const passed = { status: 'passed', fullName: 'records are stored' };
  const failed = { status: 'failed', fullName: 'records are listed' };
  const results = [
    { testFilePath, testResults: [passed, failed] },
    { testFilePath, testExecError: {}, testResults: [] },
  ];
  expect(count({ numFailedTests: 1, numRuntimeErrorTestSuites: 1, testResults: results }, false)).toEqual({
    passed: 0,
    failed: 2,
    failures: ['test/api/records.test.ts: records are listed', 'test/api/records.test.ts could not run'],
  });
});
