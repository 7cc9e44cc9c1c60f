/**
 * Notification channels of Zoho CRM (v8): a number and a token of ours, an end within a week, and a code for
 * each channel of a call that was accepted. A later end than in a week becomes one in an hour.
 */
import { isJsonObject, type JsonObject } from '../../../../domain/json';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { type Asked, fieldsIn } from '../simulator';

const WEEK_MS = 7 * 86_400_000;
const HOUR_MS = 3_600_000;

export interface Channel {
  id: string;
  events: string[];
  token: string;
  url: string;
  endsAt: number;
}

export class ZohoChannels {
  readonly open = new Map<string, Channel>();

  /** POST enables a channel; PATCH changes one that is open. */
  answer(asked: Asked): ScriptedAnswer {
    const [watch] = fieldsIn(asked)['watch'] as JsonObject[];
    if (!isJsonObject(watch)) return answered(400, 'INVALID_DATA', 'error', {});
    const channel = channelIn(watch);
    if (channel === undefined) return answered(400, 'INVALID_DATA', 'error', {});
    if (asked.method === 'PATCH' && (this.open.get(channel.id)?.endsAt ?? 0) < Date.now())
      return answered(202, 'NOT_SUBSCRIBED', 'error', {});
    if (asked.method !== 'POST' && asked.method !== 'PATCH')
      return answered(400, 'INVALID_REQUEST_METHOD', 'error', {});
    this.open.set(channel.id, channel);
    const events = channel.events.map((event) => ({
      channel_expiry: new Date(channel.endsAt).toISOString(),
      resource_name: event.split('.')[0]!,
      channel_id: channel.id,
    }));
    return answered(asked.method === 'POST' ? 201 : 200, 'SUCCESS', 'success', { events });
  }
}

function channelIn({
  channel_id: id,
  events,
  token,
  notify_url: url,
  channel_expiry: until,
}: JsonObject): Channel | undefined {
  const isRight =
    typeof id === 'string' &&
    /^\d{1,18}$/.test(id) &&
    typeof token === 'string' &&
    token.length <= 50 &&
    typeof url === 'string' &&
    url.startsWith('https://') &&
    typeof until === 'string' &&
    /^[-\d]+T[\d:]+[+-]\d\d:\d\d$/.test(until) &&
    Array.isArray(events);
  if (!isRight) return undefined;
  const asked = Date.parse(until);
  const endsAt = asked > Date.now() + WEEK_MS ? Date.now() + HOUR_MS : asked;
  return { id, events: events as string[], token, url, endsAt };
}

const answered = (status: number, code: string, state: string, details: JsonObject): ScriptedAnswer => ({
  status,
  body: { watch: [{ code, details, message: `${code} of the given channel`, status: state }] },
});
