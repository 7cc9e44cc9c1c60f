/**
 * The suites. `dev/test.ts` chooses among them; `npx jest --selectProjects unit -t 'a name'` runs a part
 * directly.
 */

// Random tests repeat themselves unless the environment names another seed, as `npm run chaos` does.
process.env.TEST_SEED ??= '20261122';

const common = {
  testEnvironment: 'node',
  transform: {
    '\\.[jt]sx?$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  // Jest cannot require() packages that are ES modules only: these are translated like our own files.
  transformIgnorePatterns: ['/node_modules/(?!(url-template|openid-client|oauth4webapi|jose)/)'],
  moduleNameMapper: { '^fast-check$': '<rootDir>/test/support/seeded-fast-check.cjs' },
  modulePathIgnorePatterns: [
    '<rootDir>/(dist|\\.cache|\\.syncline|bench/peers|dev/(mail-sink|sample-app/node_modules))/',
  ],
};

const suite = (displayName, folders, setup, names = ['*.test.ts']) => ({
  ...common,
  displayName,
  setupFiles: ['<rootDir>/test/support/record-statements.cjs'],
  testMatch: folders.flatMap((folder) => names.map((name) => `<rootDir>/test/${folder}/**/${name}`)),
  ...(setup
    ? {
        globalSetup: `<rootDir>/test/support/setup/${setup}.ts`,
        globalTeardown: '<rootDir>/test/support/setup/teardown.ts',
      }
    : {}),
});

const workflows = ['workflows', 'replay'];
const service = ['service', 'api', 'db', 'activities', 'connectors', 'egress', 'worker', 'dev'];
const all = ['domain', 'contract', ...workflows, ...service];
const fast = ['!(*.slow).test.ts'];

module.exports = {
  testTimeout: 300_000, // a bound for what hangs: some tests take minutes on a busy machine
  // Jest keeps much of each file that a process has run: later files would mostly collect garbage.
  workerIdleMemoryLimit: '1GB',
  projects: [
    suite('unit', ['domain', 'contract', 'docs'], undefined, fast), // no process but its own
    suite('workflows', workflows, 'with-postgres', fast), // PostgreSQL, and a time-skipping server per file
    suite('service', service, 'with-temporal', fast), // and Temporal, and real third parties
    suite('plans', ['plans'], 'with-postgres'), // the statements that the suites before it have run
    suite('slow', all, 'with-temporal', ['*.slow.test.ts']), // what `npm test` leaves out
    suite('repeated', all, 'with-temporal', ['*.repeated.test.ts']), // what `npm test` repeats less often
    suite('faults', ['faults'], 'with-temporal'),
    suite('hostile', ['hostile'], 'with-temporal'), // third parties that do harm, at random
    suite('operators', ['operators'], 'with-temporal'), // with servers of Debian: nginx and others
    suite('console', ['console']), // the stack of `npm start`, in Chromium
    suite('keycloak', ['keycloak']), // that stack, with a real authorization server
    suite('journey', ['journey']), // a clean clone with nothing installed
    suite('chaos', ['chaos'], 'with-temporal'),
  ],
};
