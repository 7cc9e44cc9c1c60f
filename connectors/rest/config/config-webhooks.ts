/**
 * How a configuration describes the webhooks of a third party: what proves that a call is theirs, how they
 * ask whether an address is ours, and which records a call names. `validate-webhooks.ts` checks the rest.
 */
import { z } from 'zod';
import { callShape, Condition } from './config-call';
import { HeaderName, JsonObject, JsonPointer, NAME, Text } from './config-values';

const Parameter = z.string().regex(/^[!-~]{1,100}$/, 'The name of a parameter.');
const RecordTypeName = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'A record type.');

/** Each event of a call is compared with all of them. */
const TYPES_MAX = 200;

/** A part of a text: `t=1700000000,v1=…` has the parts `t=1700000000` and `v1=…`. */
const partShape = {
  /** The part begins with it. */
  prefix: z.string().max(40).default(''),
  /** What separates the parts; absent = the text is one. */
  separator: z.enum([',', ' ', ';']).optional(),
};

const Hmac = z.strictObject({
  type: z.literal('hmac'),
  /** Where the signature is: one of the two. */
  header: HeaderName.optional(),
  /** In the body. */
  at: JsonPointer.optional(),
  ...partShape,
  algorithm: z.enum(['sha256', 'sha1', 'sha512']).default('sha256'),
  encoding: z.enum(['hex', 'base64']).default('hex'),
  /** How the secret is written; `whsec_` before it is left out. */
  secret_encoding: z.enum(['text', 'base64', 'hex']).default('text'),
  /**
   * `{body}`, `{member:<name>}`, `{timestamp}`, `{method}`, `{url}`, `{header:<name>}` and constants. A
   * member of the body is signed as it was sent, and events are read from such members alone.
   */
  signed: Text.default('{body}'),
  timestamp: z
    .strictObject({
      header: HeaderName,
      ...partShape,
      format: z.enum(['epoch_s', 'epoch_ms', 'iso']).default('epoch_s'),
      /** An older call is refused, and so is one that is as far ahead. */
      tolerance_seconds: z.int().min(1).max(3_600).default(300),
    })
    .optional(),
});

const Token = z.strictObject({
  type: z.literal('token'),
  /** One of the three. */
  header: HeaderName.optional(),
  parameter: Parameter.optional(),
  /** In the body, or in every item of `items` there. */
  at: JsonPointer.optional(),
  items: JsonPointer.optional(),
  prefix: z.string().max(40).default(''),
  /** How the call has the secret behind the prefix: HTTP Basic has it as base64. */
  encoding: z.enum(['text', 'base64']).default('text'),
});

const Handshake = z.discriminatedUnion('type', [
  /** A verified call whose body has a challenge. */
  z.strictObject({
    type: z.literal('body'),
    when: Condition,
    at: JsonPointer,
    answer_key: z.string().regex(NAME).optional(),
  }),
  /** A call without body, before there is a secret: its parameter or header is sent back. */
  z.strictObject({
    type: z.literal('query'),
    parameter: Parameter,
    answer_key: z.string().regex(NAME).optional(),
  }),
  z.strictObject({
    type: z.literal('header'),
    header: HeaderName,
    answer_key: z.string().regex(NAME).optional(),
  }),
  /** A call without body, before there is a secret, which only wants a success. */
  z.strictObject({ type: z.literal('empty') }),
]);

const EventRule = z.strictObject({
  /** A list, or a single event. */
  items: JsonPointer.default(''),
  /** Within an item: the account that it is of, for the address of an app (decision 0035). */
  account: JsonPointer.optional(),
  /** Within an item: its events. Absent: the item is the event. */
  each: JsonPointer.optional(),
  /** Of an event. Other events are left to the other rules. A text is also the number that it writes. */
  when: Condition.optional(),
  record_type: z.union([
    RecordTypeName,
    z.strictObject({
      at: JsonPointer,
      /** By the value at the pointer; `a.*` is every value that begins with `a.`. Others name no record. */
      map: z
        .record(z.string().min(1).max(200), RecordTypeName)
        .refine((map) => Object.keys(map).length <= TYPES_MAX, `At most ${TYPES_MAX} values.`),
    }),
  ]),
  /** Within an event, or a list of ids. Absent: what was modified in the whole record type is read. */
  id: JsonPointer.optional(),
});

const SubscriptionCall = z.strictObject({ ...callShape, body: JsonObject.optional() });

/** Lists subscriptions of a kind: one for our address is kept, and nothing is created. */
const Existing = z.strictObject({
  ...callShape,
  items: JsonPointer.default(''),
  /** Within an item. */
  address: JsonPointer,
  id: JsonPointer,
  /** The third party allows only one: one for another address of this Syncline is removed first. */
  remove: SubscriptionCall.optional(),
});

/** How Syncline subscribes to webhooks itself. */
const Subscription = z.strictObject({
  /** One call for each kind of change that needs a subscription of its own. */
  create: z
    .array(SubscriptionCall.extend({ existing: Existing.optional() }))
    .min(1)
    .max(10),
  /** The id of a subscription in the answer to its creation. */
  id: JsonPointer.optional(),
  /** Absent: a new one is created before the end of the one before. */
  renew: SubscriptionCall.optional(),
  /** Ends a subscription. Absent: the app cannot, or it ends by itself soon. */
  cancel: SubscriptionCall.optional(),
  /** `made`: Syncline makes it, and sends it. `given`: a person stores what the app shows. */
  secret: z.enum(['made', 'given']).default('made'),
  /**
   * Hourly runs renew the subscription after half of this time. For one without an end: how often they look
   * whether it still exists.
   */
  lifetime_minutes: z.int().min(180).max(43_200),
});

export const Webhooks = z.strictObject({
  verify: z.discriminatedUnion('type', [Hmac, Token], 'Set what proves a call: hmac or token.'),
  handshake: Handshake.optional(),
  events: z.array(EventRule).min(1).max(20),
  subscription: Subscription.optional(),
});

export type WebhooksConfig = z.output<typeof Webhooks>;
export type HmacConfig = z.output<typeof Hmac>;
export type TokenConfig = z.output<typeof Token>;
export type SubscriptionConfig = z.output<typeof Subscription>;
export type HandshakeConfig = z.output<typeof Handshake>;
export type EventRuleConfig = z.output<typeof EventRule>;
