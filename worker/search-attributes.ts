/** Registers Syncline's search attributes with the cluster at start-up, unless they exist. */
import type { Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { ActivityLog } from '../activities/dependencies';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';

const { IndexedValueType } = temporal.api.enums.v1;
const TYPES = {
  KEYWORD: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  INT: IndexedValueType.INDEXED_VALUE_TYPE_INT,
  BOOL: IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
  DATETIME: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
} as const;
type Types = Readonly<Record<string, number>>;

const EXPECTED: Types = Object.fromEntries(
  Object.values(SEARCH_ATTRIBUTES).map(({ name, type }) => [name, TYPES[type]]),
);

/**
 * Why workflows run without search attributes; undefined if they can use them. They use all or none, because
 * a workflow does not start with an attribute that is missing or has another type in its namespace.
 */
async function prepareSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<string | undefined> {
  const known = await registeredTypes(connection, namespace);
  const missing = Object.entries(EXPECTED).filter(([name]) => known[name] === undefined);
  if (missing.length > 0 && whyTypesDiffer(known) === undefined)
    await register(connection, namespace, Object.fromEntries(missing));
  return whySearchAttributesAreUnusable(connection, namespace);
}

/** Compares what the namespace has, by name and type, and changes nothing. */
export async function whySearchAttributesAreUnusable(
  connection: Connection,
  namespace: string,
): Promise<string | undefined> {
  const known = await registeredTypes(connection, namespace);
  const missing = Object.keys(EXPECTED).filter((name) => known[name] === undefined);
  const reason = missing.length > 0 ? `${missing.join(', ')} missing` : undefined;
  return whyTypesDiffer(known) ?? reason;
}

/** As `prepareSearchAttributes`, with the reason in the log. @returns false: run without them. */
export async function ensureSearchAttributes(
  connection: Connection,
  namespace: string,
  log: ActivityLog,
): Promise<boolean> {
  const help = 'running without them (docs/operations/deploy.md shows how to register them)';
  try {
    const reason = await prepareSearchAttributes(connection, namespace);
    if (reason === undefined) return true;
    log.warn({ reason }, `the search attributes cannot be used: ${reason}; ${help}`);
  } catch (error) {
    log.warn({ err: error }, `the cluster refused the search attributes; ${help}`);
  }
  return false;
}

async function registeredTypes(connection: Connection, namespace: string): Promise<Types> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return customAttributes ?? {};
}

async function register(connection: Connection, namespace: string, searchAttributes: Types): Promise<void> {
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    if (!/already exist/i.test((error as Error).message)) throw error; // another worker was first
  }
}

function whyTypesDiffer(known: Types): string | undefined {
  const nameOf = (type: number) =>
    (IndexedValueType[type] ?? String(type)).replace('INDEXED_VALUE_TYPE_', '');
  const others = Object.entries(EXPECTED).flatMap(([name, type]) =>
    known[name] === undefined || known[name] === type
      ? []
      : [`${name} has the type ${nameOf(known[name])} instead of ${nameOf(type)}`],
  );
  return others.length === 0 ? undefined : others.join(', ');
}
