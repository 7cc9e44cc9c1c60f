/**
 * Subscribes to webhooks by calls of the third party. Subscriptions end by themselves: runs renew them in
 * time, and one whose creation had no answer is left to its end.
 */
import { randomUUID } from 'node:crypto';
import { secretsOf, type SubscribeRequest, type Subscription } from '../../incoming';
import { RecordRejected } from '../../errors';
import type { SubscriptionConfig } from '../config/config-webhooks';
import { requestTo } from '../http/calls';
import { redacted, type RestContext } from '../http/credentials';
import { NO_FIELDS, readAnswer, rulesFor } from '../http/response-rules';
import { openSession } from '../http/session';
import type { Variables } from '../http/templates';
import { readAt } from '../json-pointer';
import { singleValue } from '../push/find-remote-record';

type Call = SubscriptionConfig['create'][number];
type Send = (call: Call, method: 'POST' | 'PATCH', id?: string) => Promise<string | undefined>;

const MINUTE_MS = 60_000;

/** Of the calls that create and renew; `subscription_id` only of those that renew. */
export const SUBSCRIPTION_VARIABLES = ['address', 'secret', 'expires_at', 'lifetime_seconds', 'uuid'];

/** undefined: more than half of the time is left. Throws the errors of a call. */
export async function subscribe(
  request: SubscribeRequest,
  context: RestContext,
): Promise<Subscription | undefined> {
  const config = context.config.webhooks?.subscription;
  if (config === undefined) return undefined;
  const lifetimeMs = config.lifetime_minutes * MINUTE_MS;
  const now = Date.now();
  const { current } = request;
  if (current !== null && current.endsAt.getTime() - now > lifetimeMs / 2) return undefined;
  const endsAt = new Date(now + lifetimeMs);
  const send = await sender(request, { config, endsAt }, context);
  const ids = await renewed(config, current, send);
  return { ...(ids === undefined ? await created(config, send) : { ids }), endsAt };
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
  { create }: SubscriptionConfig,
  send: Send,
): Promise<Pick<Subscription, 'ids' | 'error'>> {
  const ids: string[] = [];
  const refusals: RecordRejected[] = [];
  for (const call of create)
    try {
      const id = await send(call, 'POST');
      if (id !== undefined) ids.push(id);
    } catch (error) {
      if (!(error instanceof RecordRejected)) throw error;
      refusals.push(error);
    }
  if (refusals.length === create.length) throw refusals[0];
  return { ids, error: refusals[0]?.message };
}

/** Resolves to the id in the answer. */
async function sender(
  subscribing: SubscribeRequest,
  { config: { id: at, lifetime_minutes: minutes }, endsAt }: { config: SubscriptionConfig; endsAt: Date },
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
        subscription_id: id,
      })[name];
    const response = await session.send(requestTo(config, call, method, variables));
    const answer = readAnswer(response, rulesFor(config), NO_FIELDS, quotable);
    if (answer.meaning !== 'done') throw answer.error;
    return at === undefined ? undefined : singleValue(readAt(answer.body, at));
  };
}
