/**
 * Webhook subscriptions of Exact Online: one for each topic, without an end, to an address of the host that
 * the app has registered. Webhooks are signed with a secret of the app, within the body.
 */
import type { JsonObject } from '../../../../domain/json';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { type Asked, fieldsIn } from '../simulator';
import { hmacOf } from '../webhook-contract';

interface Subscription {
  id: string;
  url: string;
  topic: string;
}

const DIVISION = 123_456;
const PATH = `/api/v1/${DIVISION}/webhooks/WebhookSubscriptions`;

export class ExactSubscriptions {
  readonly all: Subscription[] = [];
  private made = 0;

  add(url: string, topic = 'Accounts'): Subscription {
    this.made += 1;
    const one = { id: `7d0c5c0e-0000-4000-8000-${String(this.made).padStart(12, '0')}`, url, topic };
    this.all.push(one);
    return one;
  }

  /** undefined: it is no call about subscriptions. */
  answer(asked: Asked): ScriptedAnswer | undefined {
    const [, id] = /^\(guid'([-0-9a-f]{36})'\)$/.exec(asked.path.replace(PATH, '')) ?? [];
    if (asked.path.startsWith(PATH) && id !== undefined && asked.method === 'DELETE') return this.remove(id);
    if (asked.path !== PATH) return undefined;
    if (asked.method === 'POST') return this.create(fieldsIn(asked));
    const [, topic] = /^Topic eq '(\w+)'$/.exec(asked.query.get('$filter') ?? '') ?? [];
    const results = this.all.filter((one) => one.topic === topic).map(shown);
    return { status: 200, body: { d: { results } } };
  }

  private create({ CallbackURL: url, Topic: topic, ...more }: JsonObject): ScriptedAnswer {
    if (typeof url !== 'string' || typeof topic !== 'string' || Object.keys(more).length > 0)
      return refuse('Mandatory: Callback URL');
    if (this.all.some((one) => one.topic === topic)) return refuse('Data already exists: Topic');
    return { status: 201, body: { d: shown(this.add(url, topic)) } };
  }

  private remove(id: string): ScriptedAnswer {
    const index = this.all.findIndex((one) => one.id === id);
    if (index < 0) return { status: 404 };
    this.all.splice(index, 1);
    return { status: 204 };
  }
}

/** What Exact sends for an account: compact, and the hash in upper case. */
export function exactWebhook(key: string, secret: string, changes: JsonObject = {}): JsonObject {
  const Content = {
    Topic: 'Accounts',
    ClientId: '{0f2d3c1e-0000-4000-8000-000000000001}',
    Division: DIVISION,
    Action: 'Update',
    Key: key,
    ExactOnlineEndpoint: `https://start.exactonline.nl/api/v1/${DIVISION}/crm/Accounts(guid'${key}')`,
    ...changes,
  };
  return { Content, HashCode: hmacOf(JSON.stringify(Content), secret).toUpperCase() };
}

const shown = ({ id, url }: Subscription): JsonObject => ({ ID: id, CallbackURL: url });

const refuse = (value: string): ScriptedAnswer => ({
  status: 400,
  body: { error: { code: '', message: { lang: '', value } } },
});
