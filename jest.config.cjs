/** The suites. `dev/test.ts` chooses among them; `npx jest --selectProjects unit -t 'a name'` runs a part directly. */

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
  modulePathIgnorePatterns: ['<rootDir>/(dist|\\.cache|\\.syncline|bench/peers|dev/mail-sink)/'],
};

const suite = (displayName, folders, setup) => ({
  ...common,
  displayName,
  testMatch: folders.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
  ...(setup
    ? {
        globalSetup: `<rootDir>/test/support/setup/${setup}.ts`,
        globalTeardown: '<rootDir>/test/support/setup/teardown.ts',
      }
    : {}),
});

module.exports = {
  testTimeout: 90_000, // a bound for what hangs; on a busy machine some take half a minute
  projects: [
    suite('unit', ['domain', 'contract']), // no process but its own
    suite('workflows', ['workflows', 'replay'], 'with-postgres'), // PostgreSQL, and a time-skipping server per file
    suite(
      'service',
      ['service', 'api', 'db', 'activities', 'connectors', 'egress', 'worker', 'dev'],
      'with-temporal',
    ), // and Temporal, and real third parties
    suite('faults', ['faults'], 'with-temporal'),
    suite('console', ['console']), // the stack of `npm start`, in Chromium
    suite('journey', ['journey']), // a clean clone, everything installed anew
    suite('chaos', ['chaos'], 'with-temporal'),
  ],
};
