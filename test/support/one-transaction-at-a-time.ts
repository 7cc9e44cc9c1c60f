/**
 * A database that refuses to open a transaction within another one. Both would hold a connection: once
 * requests hold all of the pool, each of them waits for a second one until a timeout.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Database } from '../../db/database';

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

type Open = (...given: unknown[]) => Promise<unknown>;

/** Changes `database` itself. */
export function oneTransactionAtATime(database: Database): Database {
  const current = new AsyncLocalStorage<{ isOpen: boolean }>();
  for (const name of OPENS) {
    const open = database[name].bind(database) as Open;
    const opened: Open = async (...given) => {
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
