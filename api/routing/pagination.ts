/**
 * Pagination: lists return `{data, next_cursor}`. A cursor is opaque and only valid for the tenant and the
 * parameters that it was created with; any other cursor is refused.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { HttpError } from '../http/http-error';

/** Query parameters of every list. */
export const listParams = {
  limit: z
    .string()
    .regex(/^(0{0,2}[1-9]|0?[1-9]\d|1\d\d|200)$/, 'must be a number from 1 to 200')
    .transform(Number)
    .optional()
    .meta({
      description:
        'The maximum number of items, 1 to 200; the default is 50. A page can be shorter before ' +
        'the end: read on until next_cursor is null.',
      example: '50',
    }),
  // A position may contain a target of a mapping: 500 characters, up to 6 bytes each in JSON.
  cursor: z.string().max(5_000).optional().meta({ description: '`next_cursor` of the previous page.' }),
};
const LIMIT_DEFAULT = 50;

export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ data: z.array(item), next_cursor: z.string().nullable() });

/** Identifies a list: its name, its tenant and its filter. */
type Scope = readonly (string | number | boolean | null | undefined)[];

export interface Page<Position> {
  limit: number;
  /** Undefined = the first page. */
  after: Position | undefined;
}

/** Throws `invalid_cursor`. */
export function readPage<Schema extends z.ZodType>(
  query: { limit?: number | undefined; cursor?: string | undefined },
  scope: Scope,
  position: Schema,
): Page<z.output<Schema>> {
  return {
    limit: query.limit ?? LIMIT_DEFAULT,
    after: query.cursor === undefined ? undefined : readCursor(query.cursor, scope, position),
  };
}

/**
 * Makes a page of rows that were read with `limit + 1`, so that one row more than the page shows whether
 * there is a next page. With fewer, a page that ended early continues behind `examinedTo`.
 */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  scope: Scope,
  positionOf: (row: Row) => unknown,
  toItem: (row: Row) => Item,
  examinedTo?: unknown,
): { data: Item[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last !== undefined ? positionOf(last) : examinedTo;
  return {
    data: shown.map(toItem),
    next_cursor: next === undefined ? null : writeCursor(scope, next),
  };
}

/** Also for lists that return a cursor at their end. */
export function writeCursor(scope: Scope, position: unknown): string {
  return Buffer.from(JSON.stringify([hashOfScope(scope), position])).toString('base64url');
}

function readCursor<Schema extends z.ZodType>(
  cursor: string,
  scope: Scope,
  position: Schema,
): z.output<Schema> {
  try {
    const [scopeHash, value] = z
      .tuple([z.string(), z.unknown()])
      .parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (scopeHash === hashOfScope(scope)) return position.parse(value);
  } catch {
    // Malformed, forged and foreign cursors get the same error below.
  }
  throw new HttpError('invalid_cursor');
}

function hashOfScope(scope: Scope): string {
  return createHash('sha256').update(JSON.stringify(scope)).digest('base64url').slice(0, 16);
}

/** The position of most lists is a uuid. */
export const uuidPosition = z.uuid();
