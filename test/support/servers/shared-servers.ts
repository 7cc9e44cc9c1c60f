/**
 * Where tests find the servers of the run (started by `setup/servers.ts`). Asking for one that the suite does
 * not start throws.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const variables = {
  folder: 'TEST_FOLDER',
  postgres: 'TEST_POSTGRES_URL',
  temporalAddress: 'TEST_TEMPORAL_ADDRESS',
  workflowBundle: 'TEST_WORKFLOW_BUNDLE',
  timeSkippingBundle: 'TEST_TIME_SKIPPING_BUNDLE',
} as const;

function ask(variable: string, what: string): string {
  const value = process.env[variable];
  if (value) return value;
  throw new Error(
    `${what} is not running for this suite. jest.config.cjs says which suite starts which servers.`,
  );
}

/** A new folder that goes away with the run. */
export const temporaryFolder = (name: string): string =>
  fs.mkdtempSync(path.join(process.env[variables.folder] ?? os.tmpdir(), `${name}-`));

/** Superuser's URL of the database `postgres`. Tests use `createTestDatabase()` instead. */
export const postgresUrl = (): string => ask(variables.postgres, 'PostgreSQL');

/** host:port of the Temporal dev server. */
export const temporalAddress = (): string => ask(variables.temporalAddress, "Temporal's dev server");

/** What `Worker.create` takes as `workflowBundle`: all workflows, bundled once for the run. */
export const workflowBundle = (): { codePath: string } => ({
  codePath: ask(variables.workflowBundle, 'The bundle of workflows/index.ts'),
});

/** The same for the time-skipping server (`uncancelled-timers.ts`). */
export const timeSkippingBundle = (): { codePath: string } => ({
  codePath: ask(
    variables.timeSkippingBundle,
    'The bundle of workflows/index.ts for the time-skipping server',
  ),
});
