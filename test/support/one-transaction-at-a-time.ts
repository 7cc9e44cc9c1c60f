/**
 * A database that refuses to open a transaction within another one of the product. Both would hold a
 * connection: once requests hold all of the pool, each of them waits for a second one until a timeout. What a
 * test itself opens, for example to hold a lock meanwhile, does not count.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import path from 'node:path';
import type { Database } from '../../db/database';
import { projectFolder } from '../../dev/tools/paths';

type Opens =
  | 'withTenant'
  | 'withPlatform'
  | 'withDispatcher'
  | 'withWebhooksRole'
  | 'withEraser'
  | 'withOwner';
const OPENS: readonly Opens[] = [
  'withTenant',
  'withPlatform',
  'withDispatcher',
  'withWebhooksRole',
  'withEraser',
  'withOwner',
];

const TEST_FOLDER = path.join(projectFolder, 'test', path.sep);

/** Of the function that called the one that asks. */
const isCalledByTest = (): boolean => new Error().stack?.split('\n')[3]?.includes(TEST_FOLDER) === true;

type Open = (...given: unknown[]) => Promise<unknown>;

/** Changes `database` itself. */
export function oneTransactionAtATime(database: Database): Database {
  const current = new AsyncLocalStorage<{ isOpen: boolean }>();
  for (const name of OPENS) {
    const open = database[name].bind(database) as Open;
    const opened: Open = async (...given) => {
      if (isCalledByTest()) return open(...given);
      if (current.getStore()?.isOpen === true)
        throw new Error(`${name} needs a second connection within a transaction.`);
      const state = { isOpen: true };
      const within = given.map((each) =>
        typeof each === 'function' ? (work: unknown) => current.run(state, () => each(work)) : each,
      );
      try {
        return await open(...within);
      } finally {
        state.isOpen = false;
      }
    };
    Object.assign(database, { [name]: opened });
  }
  return database;
}
