/**
 * Subscribes to webhooks by calls of the third party. Runs renew a subscription in time. One whose creation
 * had no answer is found again where the third party lists them, and is otherwise left to its end.
 */
import { randomInt, randomUUID } from 'node:crypto';
import type { JsonValue } from '../../../domain/json';
import { clockMs } from '../../clock';
import { secretsOf, type SubscribeRequest, type Subscription, type UnsubscribeRequest } from '../../incoming';
import { RecordRejected, WrongAddress } from '../../errors';
import type { SubscriptionConfig } from '../config/config-webhooks';
import { requestTo } from '../http/calls';
import { redacted, type RestContext } from '../http/credentials';
import { NO_FIELDS, readAnswer, rulesFor } from '../http/response-rules';
import { openSession } from '../http/session';
import type { Variables } from '../http/templates';
import { readAt } from '../json-pointer';
import { singleValue } from '../push/find-remote-record';

type Creation = SubscriptionConfig['create'][number];
type Call = NonNullable<SubscriptionConfig['renew']>;
/** Resolves to the body of the answer. */
type Send = (
  call: Call,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  id?: string,
) => Promise<JsonValue | undefined>;

const MINUTE_MS = 60_000;
/** Of `number`: 15 digits, which a double holds exactly. */
const NUMBER_MIN = 10 ** 14;
const NUMBER_MAX = NUMBER_MIN + 2 ** 47;

const TAKEN =
  'Another address of Syncline has the only subscription now. Make a new address to get the webhooks here.';

/** Of all calls; `subscription_id` only of those that renew, remove or cancel. */
export const SUBSCRIPTION_VARIABLES = [
  'address',
  'secret',
  'expires_at',
  'lifetime_seconds',
  'uuid',
  'number',
];

/** undefined: more than half of the time is left. Throws the errors of a call. */
export async function subscribe(
  request: SubscribeRequest,
  context: RestContext,
): Promise<Subscription | undefined> {
  const config = context.config.webhooks?.subscription;
  if (config === undefined) return undefined;
  const lifetimeMs = config.lifetime_minutes * MINUTE_MS;
  const now = clockMs();
  const { current } = request;
  if (current !== null && current.endsAt.getTime() - now > lifetimeMs / 2) return undefined;
  const endsAt = new Date(now + lifetimeMs);
  const send = await sender(request, { config, endsAt }, context);
  const ids = await renewed(config, current, send);
  if (ids !== undefined) return { ids, endsAt };
  return { ...(await created(config, request, send)), endsAt };
}

/**
 * Cancels subscriptions. @returns false if the third party has no call for it. A subscription that the third
 * party does not know counts as canceled. Throws the errors of a call; if a call is forbidden, the others are
 * made first.
 */
export async function unsubscribe(
  { ids, ...request }: UnsubscribeRequest,
  context: RestContext,
): Promise<boolean> {
  const config = context.config.webhooks?.subscription;
  if (config?.cancel === undefined) return false;
  const send = await sender(request, { config, endsAt: new Date() }, context);
  const refusals: RecordRejected[] = [];
  for (const id of ids)
    try {
      await send(config.cancel, 'DELETE', id);
    } catch (error) {
      if (!(error instanceof RecordRejected)) throw error;
      if (error.isForbidden || error instanceof WrongAddress) refusals.push(error);
    }
  const [refusal] = refusals;
  if (refusal !== undefined) throw refusal;
  return true;
}

/** undefined: there is nothing to renew, or the third party does not know it any more. */
async function renewed(
  { renew }: SubscriptionConfig,
  current: Subscription | null,
  send: Send,
): Promise<string[] | undefined> {
  if (renew === undefined || current === null || current.ids.length === 0) return undefined;
  try {
    for (const id of current.ids) await send(renew, 'PATCH', id);
    return current.ids;
  } catch (error) {
    if (error instanceof RecordRejected) return undefined;
    throw error;
  }
}

/** A refused call leaves the others: if the next run began again, it would subscribe to these twice. */
async function created(
  { create, id: at }: SubscriptionConfig,
  request: SubscribeRequest,
  send: Send,
): Promise<Pick<Subscription, 'ids' | 'error'>> {
  const ids: string[] = [];
  const refusals: RecordRejected[] = [];
  for (const { existing, ...call } of create)
    try {
      const known = existing && (await idOfExisting(existing, request, send));
      const body = known === undefined ? await send(call, 'POST') : undefined;
      const id = known ?? (at === undefined ? undefined : singleValue(readAt(body, at)));
      if (id !== undefined) ids.push(id);
    } catch (error) {
      if (!(error instanceof RecordRejected)) throw error;
      refusals.push(error);
    }
  if (refusals.length === create.length) throw refusals[0];
  return { ids, error: refusals[0]?.message };
}

/**
 * undefined: there is none for our address. Only a new address takes the place of another one: two
 * integrations that renewed in turn would take it from each other for ever.
 */
async function idOfExisting(
  { items, address: at, id, remove, ...call }: NonNullable<Creation['existing']>,
  { address, current }: SubscribeRequest,
  send: Send,
): Promise<string | undefined> {
  const found = readAt(await send(call, 'GET'), items);
  const known = Array.isArray(found) ? found : [];
  const ours = known.find((item) => readAt(item, at) === address);
  if (ours !== undefined || remove === undefined) return singleValue(readAt(ours, id));
  const here = address.slice(0, address.lastIndexOf('/') + 1);
  const others = known.filter((item) => {
    const other = readAt(item, at);
    return typeof other === 'string' && other.startsWith(here);
  });
  if (others.length > 0 && current !== null) throw new RecordRejected(TAKEN, []);
  for (const item of others) await send(remove, 'DELETE', singleValue(readAt(item, id)));
  return undefined;
}

async function sender(
  subscribing: Pick<SubscribeRequest, 'address' | 'secret'>,
  { config: { lifetime_minutes: minutes }, endsAt }: { config: SubscriptionConfig; endsAt: Date },
  context: RestContext,
): Promise<Send> {
  const { config } = context;
  const { address, secret } = subscribing;
  const session = await openSession(context);
  // Before an answer is shortened, which could leave a part of a secret.
  const quotable: typeof session.quotable = (response) =>
    redacted(session.quotable(response), secretsOf(subscribing));
  return async (call, method, id) => {
    const variables: Variables = (name) =>
      ({
        address,
        secret,
        expires_at: endsAt.toISOString().replace(/\.\d+Z$/, '+00:00'),
        lifetime_seconds: minutes * 60,
        uuid: randomUUID(),
        number: String(randomInt(NUMBER_MIN, NUMBER_MAX)),
        subscription_id: id,
      })[name];
    const response = await session.send(requestTo(config, call, method, variables));
    const answer = readAnswer(response, rulesFor(config), NO_FIELDS, quotable);
    if (answer.meaning !== 'done') throw answer.error;
    return answer.body;
  };
}
