/**
 * How a configuration describes reading a record type: the list and its pages, records modified or deleted
 * since a time, their number, and the current fields. `validate-read.ts` checks the combinations.
 */
import { z } from 'zod';
import { Condition, callShape, DetailCall } from './config-call';
import { SyncToken } from './config-sync-token';
import {
  HeaderName,
  Headers,
  JsonObject,
  JsonPointer,
  parameterName,
  parameterPlace,
  Status,
  Text,
} from './config-values';

/** The format of instants in requests. */
const TIME_FORMATS = [
  'iso',
  'iso_seconds',
  'iso_offset',
  'epoch_s',
  'epoch_ms',
  'space_ms',
  'http_date',
  'local_seconds',
  'space_seconds',
  'date',
] as const;
const TimeFormat = z.enum(TIME_FORMATS, `Set the format of times: ${TIME_FORMATS.join(', ')}.`);

const inAnswer = z.union([z.strictObject({ at: JsonPointer }), z.strictObject({ header: HeaderName })]);

/** Sent with every page except for addresses from the third party, which contain it already. */
const sizeShape = {
  size: z.int().min(1).max(100_000).optional(),
  size_parameter: parameterName('the size of a page').optional(),
};
/**
 * How many records the third party serves of one search, for example 10,000. Behind them the list is
 * requested again from the time of the last record on, so it must be sorted by it.
 */
const window = { window: z.int().min(2).max(1_000_000).optional() };
/** Ends the list if the response says so. With this condition an empty page is not the end. */
const last = { last: Condition.optional() };
/** The statuses that say "behind the last page", for example 404; they count only after the first page. */
const endStatus = { end_status: z.array(Status.min(400).max(499, 'A status from 400 to 499.')).optional() };
/**
 * Whether addresses from the third party stay consistent while records change: tokens do, page numbers do
 * not.
 */
const stable = { stable: z.boolean().default(false) };
/**
 * What to take of an address on another scheme or host than `base_url`, as servers behind a proxy give it. By
 * default such an address is refused.
 */
const take = { take: z.literal('path_and_query').optional() };

export const Paging = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('none') }),
    z.strictObject({
      type: z.literal('page'),
      parameter: parameterName('the number of the page'),
      first: z.int().min(0).default(1),
      /** The number of pages of the list, where a response contains it. */
      total_pages: inAnswer.optional(),
      ...sizeShape,
      ...parameterPlace,
      ...last,
      ...endStatus,
      ...window,
    }),
    z.strictObject({
      type: z.literal('offset'),
      parameter: parameterName('the offset'),
      first: z.int().min(0).default(0),
      ...sizeShape,
      size: z.int('Set the number of records per page.').min(1).max(100_000),
      /** Added to the text of the parameter instead of replacing it, for queries that name their page. */
      append: Text.optional(),
      ...parameterPlace,
      ...last,
      ...endStatus,
      ...window,
    }),
    z.strictObject({
      type: z.literal('cursor'),
      /** Absent: the value is the address of the next page. */
      parameter: parameterName('the cursor').optional(),
      at: JsonPointer.optional(),
      header: HeaderName.optional(),
      /** In the last item of the page, for APIs that continue after a record. */
      last_item: JsonPointer.optional(),
      ...sizeShape,
      ...parameterPlace,
      ...last,
      stable: z.boolean().optional(),
      ...take,
    }),
    z.strictObject({
      type: z.literal('keyset'),
      /** Values of the last item of a page, by name: pointers into the item. */
      after: z
        .record(z.string().regex(/^[a-z][a-z0-9_]{0,40}$/, 'A name such as last_id.'), JsonPointer)
        .refine((names) => Object.keys(names).length > 0, 'Name a value of the last item, such as its id.'),
      /**
       * Added to the request of every page except the first, where they replace parameters of the same name.
       * In `changes` they may use `{modified_since}`.
       */
      parameters: z.record(z.string().regex(/^[!-~]{1,100}$/, 'The name of a parameter.'), Text).optional(),
      /** The same for the body, into which it is merged. */
      body: JsonObject.optional(),
      ...sizeShape,
      ...parameterPlace,
      ...last,
    }),
    z.strictObject({ type: z.literal('link'), ...sizeShape, ...stable, ...take }),
    z.strictObject({ type: z.literal('header'), name: HeaderName, ...sizeShape, ...stable, ...take }),
  ],
  'Set how the list is paged: ' +
    '{"type": "page" | "offset" | "cursor" | "keyset" | "link" | "header" | "none", …}. ' +
    'If only a part of the list is read, the other records look deleted.',
);

/**
 * Added to the call if only records modified since an instant are requested; `{modified_since}` in its texts
 * is that instant, and `{now}` the time at which the pass began.
 */
const ModifiedSince = z.strictObject({
  format: TimeFormat,
  /** The time zone of the account, for formats without one; UTC by default. */
  zone: z.string().refine(isTimeZone, 'A time zone such as Europe/Amsterdam.').optional(),
  /** Query parameters by name; they replace those of the same name in `path`. */
  parameters: z.record(z.string().regex(/^[!-~]{1,100}$/, 'The name of a parameter.'), Text).optional(),
  headers: Headers.optional(),
  /** Merged over `body`. */
  body: JsonObject.optional(),
});

const listShape = {
  ...callShape,
  method: z.enum(['GET', 'POST']).optional(),
  body: JsonObject.optional(),
  items: JsonPointer,
  /** `one_or_many`: a list, or a single item. `map`: an object whose values are the items. */
  items_as: z.enum(['list', 'one_or_many', 'map']).default('list'),
  /** Where the key of a `map` goes in its item. */
  key_at: JsonPointer.optional(),
  item_at: JsonPointer.default(''),
  /** The condition for a response without a list where there are no records. */
  empty: Condition.optional(),
  paging: Paging,
  modified_since: ModifiedSince.optional(),
};

const Parents = z.strictObject({
  ...callShape,
  method: z.enum(['GET', 'POST']).optional(),
  body: JsonObject.optional(),
  items: JsonPointer,
  id: JsonPointer.default('/id'),
  paging: Paging,
});

/** Added to the call of every page; together, the partitions hold every record of the list once. */
const Partition = z.strictObject({
  /** Query parameters by name; they replace those of the same name in `path`. */
  parameters: z.record(z.string().regex(/^[!-~]{1,100}$/, 'The name of a parameter.'), Text).optional(),
  /** Merged over `body`. */
  body: JsonObject.optional(),
});

export const List = z.strictObject({
  ...listShape,
  /** Parts of the list that are read at the same time. */
  partitions: z.array(Partition).min(2, 'Name all partitions, at least two.').max(1_000).optional(),
  /** A list of parents, each of which has a list of its own: `{parent_id}` in the call. */
  parents: Parents.optional(),
  /**
   * The location of id and version in an item, if it differs from that in a single record.
   */
  id: JsonPointer.optional(),
  version: JsonPointer.optional(),
  /** The call that reads one record, for lists that hold only ids or shortened records. */
  detail: DetailCall.optional(),
  /**
   * What the list selects by constants, such as `?type=employee`. A record that is read by its id without
   * fulfilling this condition does not belong to the list, and counts as deleted.
   */
  selects: Condition.optional(),
  /** What the end of the list gives, to read what changes from then on. */
  sync_token: SyncToken.optional(),
  /** When a record was last modified, within a record. */
  modified: z.strictObject({ at: JsonPointer, format: TimeFormat }).optional(),
  /** The number of records in the whole list, only if it is exact. */
  total: inAnswer.optional(),
  /** The third party's clock; the Date header by default. */
  as_of: z
    .union([
      z.strictObject({ at: JsonPointer, format: TimeFormat }),
      z.strictObject({ header: HeaderName, format: TimeFormat }),
    ])
    .optional(),
});

export const DeletedList = z.strictObject({
  ...listShape,
  id: z
    .union([
      JsonPointer,
      z.strictObject({
        at: JsonPointer,
        /** Removed where the id begins with it. */
        cut_prefix: z.string().min(1).optional(),
        /** Only what follows the last `/`, `:` or `#`. */
        take: z.literal('last_part').optional(),
      }),
    ])
    .optional(),
});

export const Count = z.strictObject({
  ...callShape,
  method: z.enum(['GET', 'HEAD', 'POST']).optional(),
  body: JsonObject.optional(),
  at: JsonPointer.optional(),
  header: HeaderName.optional(),
});

const FieldType = z.enum(['string', 'number', 'boolean', 'date', 'datetime', 'picklist', 'object', 'array']);

export const Describe = z.strictObject({
  ...callShape,
  method: z.enum(['GET', 'POST']).optional(),
  body: JsonObject.optional(),
  fields: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('json_schema'), at: JsonPointer.default('') }),
    z.strictObject({
      type: z.literal('list'),
      at: JsonPointer,
      /** Within an entry of the list; all but `name` may be missing there. */
      name: JsonPointer,
      label: JsonPointer.optional(),
      field_type: JsonPointer.optional(),
      required: JsonPointer.optional(),
      values: JsonPointer.optional(),
      /** Within an entry of `values`, where those are objects. */
      value: JsonPointer.default(''),
      /**
       * Maps type names of the third party to Syncline's. Other types are strings, or picklists if they have
       * values.
       */
      types: z.record(z.string().max(100), FieldType).default({}),
    }),
  ]),
});

export type PartitionConfig = z.output<typeof Partition>;
export type ParentsConfig = z.output<typeof Parents>;
export type ListConfig = z.output<typeof List>;
export type DeletedListConfig = z.output<typeof DeletedList>;
export type PagingConfig = z.output<typeof Paging>;
export type DescribeConfig = z.output<typeof Describe>;
export type ModifiedSinceConfig = z.output<typeof ModifiedSince>;
export type TimeFormat = z.output<typeof TimeFormat>;
export type InAnswerConfig = z.output<typeof inAnswer>;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
