/**
 * Counts what Jest ran and names what failed, for `dev/test.ts`. A file that could not even be loaded is a
 * failure, and so is a test that is skipped or still to be written, unless the caller chose among the tests.
 */
const fs = require('node:fs');
const path = require('node:path');

module.exports = class CountingReporter {
  onRunStart() {
    console.log(`Random tests: TEST_SEED=${process.env.TEST_SEED} repeats them.`);
  }

  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } =
      results;
    const skipped = process.env.TEST_IS_FILTERED ? 0 : numPendingTests + numTodoTests;
    if (skipped > 0) console.error(`${skipped} tests are skipped: counted as failures.`);
    const failed = numFailedTests + numRuntimeErrorTestSuites + skipped;
    if (process.env.TEST_COUNTS_FILE)
      fs.writeFileSync(
        process.env.TEST_COUNTS_FILE,
        JSON.stringify({ passed: numPassedTests, failed, failures: failuresOf(results) }),
      );
  }
};

function failuresOf({ testResults }) {
  return testResults.flatMap(({ testFilePath, testExecError, testResults: tests }) => {
    const file = path.relative(process.cwd(), testFilePath);
    const names = tests
      .filter(({ status }) => status === 'failed')
      .map(({ fullName }) => `${file}: ${fullName}`);
    return testExecError ? [`${file} could not run`, ...names] : names;
  });
}
