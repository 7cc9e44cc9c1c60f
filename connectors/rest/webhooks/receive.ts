/** Reads a call of a third party by configuration: is it theirs, and which records does it name? */
import type { JsonValue } from '../../../domain/json';
import type { IncomingCall, IncomingOutcome, IncomingRecord, IncomingWebhooks } from '../../incoming';
import type { RestConfig } from '../config/config';
import type { EventRuleConfig, HandshakeConfig, WebhooksConfig } from '../config/config-webhooks';
import { isTrueOf } from '../http/response-rules';
import { readAt } from '../json-pointer';
import { singleValue } from '../push/find-remote-record';
import { headerOf, parameterOf, verifiedBody } from './verify';

/** The record types of further events are read for what was modified. */
const EVENTS_MAX = 1_000;
/** Of a rule. More would keep the process from other calls. */
const EVENTS_READ_MAX = 5_000;
const CHALLENGE = /^[\x20-\x7e]{1,1024}$/;

/** undefined: the configuration describes no webhooks. */
export function incomingWebhooks({
  webhooks,
  record_types: types,
}: RestConfig): IncomingWebhooks | undefined {
  if (webhooks === undefined) return undefined;
  const recordTypes = [...new Set(webhooks.events.flatMap(typesOf))].filter((name) =>
    Object.hasOwn(types, name),
  );
  return {
    recordTypes,
    namesAccounts: webhooks.events.some(({ account }) => account !== undefined),
    isSubscribed: webhooks.subscription !== undefined,
    isSecretGiven: webhooks.subscription?.secret === 'given',
    receive: (call, secret) => receive(webhooks, call, secret, recordTypes),
  };
}

/** The record types that a rule can name. */
export const typesOf = ({ record_type: type }: EventRuleConfig): string[] =>
  typeof type === 'string' ? [type] : Object.values(type.map);

function receive(
  webhooks: WebhooksConfig,
  call: IncomingCall,
  secret: string | null,
  recordTypes: readonly string[],
): IncomingOutcome {
  const { handshake, events } = webhooks;
  const echoed = handshake && echoOf(handshake, call);
  if (echoed !== undefined) return echoed;
  const verified = call.method === 'POST' ? verifiedBody(webhooks, call, secret) : undefined;
  if (verified === undefined) return { kind: 'refused' };
  const { body } = verified;
  const challenge = handshake?.type === 'body' ? challengeIn(handshake, body) : undefined;
  if (challenge !== undefined) return challenge;
  const found = events.flatMap((rule) => recordsOf(rule, body));
  const named = new Map(found.map((record) => [JSON.stringify(record), record]));
  return {
    kind: 'records',
    records: [...named.values()].filter(({ recordType }) => recordTypes.includes(recordType)),
  };
}

/** What is sent back without proof is only what came, and only if nothing came with it. */
function echoOf(handshake: HandshakeConfig, call: IncomingCall): IncomingOutcome | undefined {
  if (handshake.type === 'body' || call.body.length > 0) return undefined;
  if (handshake.type === 'empty')
    return call.method === 'POST' ? { kind: 'answer', mediaType: 'text/plain', text: '' } : undefined;
  const value =
    handshake.type === 'query' ? parameterOf(call, handshake.parameter) : headerOf(call, handshake.header);
  return value === undefined ? undefined : answerWith(value, handshake.answer_key);
}

function challengeIn(
  { when, at, answer_key: key }: Extract<HandshakeConfig, { type: 'body' }>,
  body: JsonValue | undefined,
): IncomingOutcome | undefined {
  if (!isTrueOf(when, body)) return undefined;
  const value = readAt(body, at);
  return typeof value === 'string' ? answerWith(value, key) : undefined;
}

function answerWith(value: string, key: string | undefined): IncomingOutcome | undefined {
  if (!CHALLENGE.test(value)) return undefined;
  return key === undefined
    ? { kind: 'answer', mediaType: 'text/plain', text: value }
    : { kind: 'answer', mediaType: 'application/json', text: JSON.stringify({ [key]: value }) };
}

function recordsOf(rule: EventRuleConfig, body: JsonValue | undefined): IncomingRecord[] {
  const typeOf = typesBy(rule);
  const { events, isWhole } = eventsOf(rule, body);
  // Whose account it is in the rest is not looked for: runs find what they name.
  const beyond =
    isWhole || rule.account !== undefined
      ? []
      : typesOf(rule).map((recordType) => ({ recordType, remoteId: null }));
  let room = EVENTS_MAX;
  const named = events.flatMap(({ event, accountId }) => {
    const recordType = isMeant(rule, event) ? typeOf(event) : undefined;
    const all = recordType === undefined ? [] : idsOf(rule, event);
    const some = all.slice(0, Math.max(room, 0));
    room -= Math.max(all.length, 1);
    if (recordType === undefined) return [];
    const ids = some.length < all.length ? [...some, null] : some;
    return ids.map((remoteId) => ({
      recordType,
      remoteId,
      ...(accountId === undefined ? {} : { accountId }),
    }));
  });
  return [...named, ...beyond];
}

/** Parameters of a definition are texts, and the ids in events can be numbers. */
function isMeant({ when }: EventRuleConfig, event: JsonValue): boolean {
  if (when === undefined || isTrueOf(when, event)) return true;
  return typeof when.is === 'string' && singleValue(readAt(event, when.at)) === when.is;
}

/** null stands for the whole record type. */
function idsOf({ id }: EventRuleConfig, event: JsonValue): (string | null)[] {
  const found = id === undefined ? undefined : readAt(event, id);
  const ids = Array.isArray(found) && found.length > 0 ? found : [found];
  return ids.map((one) => singleValue(one) ?? null);
}

interface Event {
  event: JsonValue;
  accountId: string | undefined;
}

function eventsOf(
  { items, account, each }: EventRuleConfig,
  body: JsonValue | undefined,
): { events: Event[]; isWhole: boolean } {
  const events: Event[] = [];
  const all = listOf(readAt(body, items));
  let isWhole = all.length <= EVENTS_READ_MAX;
  for (const item of all.slice(0, EVENTS_READ_MAX)) {
    const accountId = account === undefined ? undefined : singleValue(readAt(item, account));
    const inItem = each === undefined ? [item] : listOf(readAt(item, each));
    const room = EVENTS_READ_MAX - events.length;
    for (const event of inItem.slice(0, room)) events.push({ event, accountId });
    isWhole &&= inItem.length <= room;
  }
  return { events, isWhole };
}

/** A list, or a single one. */
function listOf(found: JsonValue | undefined): JsonValue[] {
  if (found === undefined) return [];
  return Array.isArray(found) ? found : [found];
}

/** The record type of an event, prepared once for all events of a call. */
function typesBy({ record_type: type }: EventRuleConfig): (event: JsonValue) => string | undefined {
  if (typeof type === 'string') return () => type;
  const { at, map } = type;
  const beginnings = Object.entries(map)
    .filter(([key]) => key.endsWith('*'))
    .map(([key, name]) => ({ beginning: key.slice(0, -1), name }));
  return (event) => {
    const value = readAt(event, at);
    if (typeof value !== 'string' && typeof value !== 'number') return undefined;
    const text = String(value);
    if (Object.hasOwn(map, text)) return map[text];
    return beginnings.find(({ beginning }) => text.startsWith(beginning))?.name;
  };
}
