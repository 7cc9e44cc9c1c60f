/**
 * Lists: `{data, next_cursor}`. A cursor is opaque, and good only for the tenant and the parameters that gave it;
 * any other is refused like a garbled one.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { HttpError } from '../http/http-error';

export const LIMIT_MAX = 200;

/** Query parameters of every list. */
export const listParams = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a number from 1 to 200')
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= LIMIT_MAX, 'must be a number from 1 to 200')
    .optional()
    .meta({
      description:
        'How many at most, 1 to 200; 50 unless given. A short page is not the end: go on until next_cursor is null.',
      example: '50',
    }),
  cursor: z.string().max(2_000).optional().meta({ description: '`next_cursor` of the page before.' }),
};
const LIMIT_DEFAULT = 50;

export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ data: z.array(item), next_cursor: z.string().nullable() });

/** What a list is of: the owner and the filter. */
type Scope = readonly (string | number | boolean | null | undefined)[];

export interface Page<Position> {
  limit: number;
  /** Undefined = from the beginning. */
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
 * Cuts what was read (one more than `limit`, so that we know whether there is more) into a page.
 */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  scope: Scope,
  positionOf: (row: Row) => unknown,
  toItem: (row: Row) => Item,
): { data: Item[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(toItem),
    next_cursor: rows.length > limit && last !== undefined ? writeCursor(scope, positionOf(last)) : null,
  };
}

/** For lists that say where to go on at their end too. */
export function writeCursor(scope: Scope, position: unknown): string {
  return Buffer.from(JSON.stringify([encrypt(scope), position])).toString('base64url');
}

function readCursor<Schema extends z.ZodType>(
  cursor: string,
  scope: Scope,
  position: Schema,
): z.output<Schema> {
  try {
    const [mark, value] = z
      .tuple([z.string(), z.unknown()])
      .parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (mark === encrypt(scope)) return position.parse(value);
  } catch {
    // Falls through: garbled, forged and foreign cursors get the same answer.
  }
  throw new HttpError('invalid_cursor');
}

function encrypt(scope: Scope): string {
  return createHash('sha256').update(JSON.stringify(scope)).digest('base64url').slice(0, 16);
}

/** Positions are uuids in most lists. */
export const uuidPosition = z.uuid();
