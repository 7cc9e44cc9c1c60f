/** Registers Syncline's search attributes with the cluster at start-up, unless they exist. */
import type { Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { ActivityLog } from '../activities/dependencies';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';

const TYPES = {
  KEYWORD: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  INT: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_INT,
  BOOL: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
  DATETIME: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
} as const;

/**
 * @returns false if the cluster refuses. Workflows then run without them, because a start with an
 * unregistered search attribute fails.
 */
export async function ensureSearchAttributes(
  connection: Connection,
  namespace: string,
  log: ActivityLog,
): Promise<boolean> {
  try {
    const known = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = Object.values(SEARCH_ATTRIBUTES).filter(
      (key) => known.customAttributes?.[key.name] === undefined,
    );
    if (missing.length === 0) return true;
    const searchAttributes = Object.fromEntries(missing.map((key) => [key.name, TYPES[key.type]]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    return true;
  } catch (error) {
    if (/already exist/i.test((error as Error).message)) return true;
    log.warn(
      { err: error },
      'the cluster refused the search attributes; running without them ' +
        '(docs/operations/deploy.md shows how to register them)',
    );
    return false;
  }
}
