/** Calls that prove who sent them, with the examples of vendors, and calls that do not. */
import { createHmac } from 'node:crypto';
import type { IncomingCall, IncomingOutcome } from '../../../../connectors/incoming';
import { rest } from '../../../../connectors/rest';
import { RestConfig } from '../../../../connectors/rest/config/config';
import { contactsConfig } from '../rest-given';

const EVENTS = [{ items: '/events', record_type: 'contacts', id: '/id' }];
const BODY = JSON.stringify({ events: [{ id: 'c1' }] });
const NOW = new Date('2026-12-01T12:00:00Z');
const seconds = String(NOW.getTime() / 1_000);

type Headers = Record<string, string | readonly string[]>;
interface Given {
  headers?: Headers;
  body?: string | Buffer;
  secret?: string | null;
  now?: Date;
  url?: string;
  method?: string;
}

function receive(webhooks: object, given: Given = {}): IncomingOutcome {
  const { headers = {}, body = BODY, secret = 'canary-secret', now = NOW, method = 'POST' } = given;
  const config = RestConfig.parse({
    ...contactsConfig('https://app.example.com'),
    webhooks: { events: EVENTS, ...webhooks },
  });
  const call: IncomingCall = {
    method,
    url: given.url ?? 'https://sync.example.com/v1/incoming/token',
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name.toLowerCase(),
        typeof value === 'string' ? [value] : value,
      ]),
    ),
    body: Buffer.from(body),
    now,
  };
  const incoming = rest.incoming?.(config);
  if (incoming === undefined) throw new Error('No webhooks are described.');
  return incoming.receive(call, secret);
}

const verified = { kind: 'records', records: [{ recordType: 'contacts', remoteId: 'c1' }] };
const refused = { kind: 'refused' };

/** The form of each vendor's documentation. */
const SLACK = {
  type: 'hmac',
  header: 'X-Slack-Signature',
  prefix: 'v0=',
  signed: 'v0:{timestamp}:{body}',
  timestamp: { header: 'X-Slack-Request-Timestamp' },
};
const GITHUB = { type: 'hmac', header: 'X-Hub-Signature-256', prefix: 'sha256=' };
const HUBSPOT = {
  type: 'hmac',
  header: 'X-HubSpot-Signature-v3',
  encoding: 'base64',
  signed: '{method}{url}{body}{timestamp}',
  timestamp: { header: 'X-HubSpot-Request-Timestamp', format: 'epoch_ms' },
};
const STRIPE = {
  type: 'hmac',
  header: 'Stripe-Signature',
  prefix: 'v1=',
  separator: ',',
  signed: '{timestamp}.{body}',
  timestamp: { header: 'Stripe-Signature', prefix: 't=', separator: ',' },
};
const STANDARD = {
  type: 'hmac',
  header: 'webhook-signature',
  prefix: 'v1,',
  separator: ' ',
  encoding: 'base64',
  secret_encoding: 'base64',
  signed: '{header:webhook-id}.{timestamp}.{body}',
  timestamp: { header: 'webhook-timestamp' },
};

describe('the examples that vendors publish', () => {
  it("GitHub: the signature of 'Hello, World!'", () => {
    const headers = {
      'X-Hub-Signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    };
    const given = { headers, body: 'Hello, World!', secret: "It's a Secret to Everybody" };

    expect(receive({ verify: GITHUB }, given)).toEqual({ kind: 'records', records: [] });
    expect(receive({ verify: GITHUB }, { ...given, body: 'Hello, World?' })).toEqual(refused);
  });

  it('Slack: the request of the guide', () => {
    const body =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V' +
      '&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=' +
      '&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN' +
      '&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
    const headers = {
      'X-Slack-Request-Timestamp': '1531420618',
      'X-Slack-Signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    };
    const given = { headers, body, secret: '8f742231b10e8888abcd99yyyzzz85a5' };
    const at = new Date(1_531_420_618_000);

    expect(receive({ verify: SLACK }, { ...given, now: at })).toEqual({ kind: 'records', records: [] });
    expect(receive({ verify: SLACK }, { ...given, now: new Date(at.getTime() + 301_000) })).toEqual(refused);
    expect(receive({ verify: SLACK }, { ...given, now: new Date(at.getTime() - 301_000) })).toEqual(refused);
  });

  it('Standard Webhooks: the example of the specification', () => {
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    const given = {
      headers,
      body: '{"test": 2432232314}',
      secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      now: new Date(1_614_265_330_000),
    };

    expect(receive({ verify: STANDARD }, given)).toEqual({ kind: 'records', records: [] });
  });
});

const hmac = (text: string, encoding: 'hex' | 'base64', secret = 'canary-secret') =>
  createHmac('sha256', secret).update(text).digest(encoding);

describe('the forms of others', () => {
  it('Stripe: several signatures in one header', () => {
    const good = hmac(`${seconds}.${BODY}`, 'hex');
    const headers = {
      'Stripe-Signature': `t=${seconds},v1=${'0'.repeat(64)},v1=${good},v0=${'1'.repeat(64)}`,
    };

    expect(receive({ verify: STRIPE }, { headers })).toEqual(verified);
    expect(
      receive({ verify: STRIPE }, { headers: { 'Stripe-Signature': `t=${seconds},v0=${good}` } }),
    ).toEqual(refused);
    expect(
      receive({ verify: STRIPE }, { headers: { 'Stripe-Signature': `t=${seconds},t=1,v1=${good}` } }),
    ).toEqual(refused);
  });

  it('HubSpot v3: method, address, body and time', () => {
    const url = 'https://sync.example.com/v1/incoming/token';
    const at = String(NOW.getTime());
    const headers = {
      'X-HubSpot-Request-Timestamp': at,
      'X-HubSpot-Signature-v3': hmac(`POST${url}${BODY}${at}`, 'base64'),
    };

    expect(receive({ verify: HUBSPOT }, { headers })).toEqual(verified);
    expect(receive({ verify: HUBSPOT }, { headers, url: `${url}2` })).toEqual(refused);
  });

  it('a token in a header or a parameter', () => {
    const verify = { type: 'token', header: 'X-Gitlab-Token' };
    expect(receive({ verify }, { headers: { 'X-Gitlab-Token': 'canary-secret' } })).toEqual(verified);
    expect(receive({ verify }, { headers: { 'X-Gitlab-Token': 'canary-secreT' } })).toEqual(refused);
    const url = 'https://sync.example.com/v1/incoming/token?key=canary-secret';
    const byQuery = { verify: { type: 'token', parameter: 'key' } };
    expect(receive(byQuery, { url })).toEqual(verified);
    expect(receive(byQuery, { url: `${url}&key=canary-secret` })).toEqual(refused);
  });
});

describe('the secret in the call', () => {
  const basic = { type: 'token', header: 'Authorization', prefix: 'Basic ', encoding: 'base64' };
  const withBasic = (text: string, secret = 'user:pässword') =>
    receive({ verify: basic }, { headers: { Authorization: text }, secret });
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  it('HTTP Basic: user and password', () => {
    expect(withBasic(`Basic ${base64('user:pässword')}`)).toEqual(verified);
  });

  it.each([
    ['another password', `Basic ${base64('user:password')}`],
    ['a part of it', `Basic ${base64('user:')}`],
    ['more than it', `Basic ${base64('user:pässword2')}`],
    ['nothing', 'Basic '],
    ['no base64', `Basic ${base64('user:pässword')}!`],
    ['the text itself', 'Basic user:pässword'],
    ['another scheme', `Bearer ${base64('user:pässword')}`],
  ])('HTTP Basic: %s is refused', (_name, text) => {
    expect(withBasic(text)).toEqual(refused);
  });

  const inItems = { type: 'token', items: '/value', at: '/clientState' };
  const named = [{ items: '/value', record_type: 'contacts', id: '/id' }];
  const withItems = (value: unknown, given: Given = {}) =>
    receive({ verify: inItems, events: named }, { ...given, body: JSON.stringify({ value }) });
  const item = { id: 'c1', clientState: 'canary-secret' };

  it('in each item of the body', () => {
    expect(withItems([item, item])).toEqual(verified);
    const whole = { verify: { type: 'token', at: '/token' } };
    expect(receive(whole, { body: '{"token":"canary-secret","events":[{"id":"c1"}]}' })).toEqual(verified);
  });

  it.each<[string, unknown, Given?]>([
    ['none', []],
    ['one without it', [item, { id: 'c2' }]],
    ['one with another', [item, { id: 'c2', clientState: 'canary-secreT' }]],
    ['a longer one', [{ ...item, clientState: 'canary-secret2' }]],
    ['an empty one', [{ ...item, clientState: '' }], { secret: '' }],
    ['a list of it', [{ ...item, clientState: ['canary-secret'] }]],
    ['null', null],
    ['a text', 'canary-secret'],
    ['what is inherited', [{ id: 'c1', __proto__: { clientState: 'canary-secret' } }]],
    ['no secret yet', [item], { secret: null }],
  ])('items with %s are refused', (_name, value, given = {}) => {
    expect(withItems(value, given)).toEqual(refused);
  });

  it('a body that is no JSON, or no UTF-8, is refused', () => {
    const verify = { type: 'token', at: '/token' };
    const body = Buffer.concat([
      Buffer.from('{"token":"canary-secret","x":"'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    expect(receive({ verify }, { body: '{"token":"canary-secret"' })).toEqual(refused);
    expect(receive({ verify }, { body })).toEqual(refused);
  });
});

describe('a call that proves nothing is refused', () => {
  const good = hmac(BODY, 'hex');
  it.each<[string, Given]>([
    ['no signature', {}],
    ['an empty one', { headers: { 'X-Hub-Signature-256': 'sha256=' } }],
    ['a shorter one', { headers: { 'X-Hub-Signature-256': `sha256=${good.slice(2)}` } }],
    ['a longer one', { headers: { 'X-Hub-Signature-256': `sha256=${good}00` } }],
    ['half a byte more', { headers: { 'X-Hub-Signature-256': `sha256=${good}0` } }],
    ['letters that are no hex', { headers: { 'X-Hub-Signature-256': `sha256=${'z'.repeat(64)}` } }],
    ['full-width digits', { headers: { 'X-Hub-Signature-256': `sha256=${'０'.repeat(64)}` } }],
    ['a very long one', { headers: { 'X-Hub-Signature-256': `sha256=${'a'.repeat(100_000)}` } }],
    ['no prefix', { headers: { 'X-Hub-Signature-256': good } }],
    ['two headers', { headers: { 'X-Hub-Signature-256': [`sha256=${good}`, `sha256=${good}`] } }],
    ['another body', { headers: { 'X-Hub-Signature-256': `sha256=${good}` }, body: `${BODY} ` }],
    ['no secret yet', { headers: { 'X-Hub-Signature-256': `sha256=${good}` }, secret: null }],
    [
      'an empty secret',
      { headers: { 'X-Hub-Signature-256': `sha256=${hmac(BODY, 'hex', '')}` }, secret: '' },
    ],
    ['a GET', { headers: { 'X-Hub-Signature-256': `sha256=${good}` }, method: 'GET' }],
  ])('%s', (_name, given) => {
    expect(receive({ verify: GITHUB }, given)).toEqual(refused);
  });

  it.each(['', '1e3', '-1', 'Infinity', '0x1', '1'.repeat(40), ' ', 'NaN'])('the time %p', (at) => {
    const headers = {
      'X-Slack-Request-Timestamp': at,
      'X-Slack-Signature': `v0=${hmac(`v0:${at}:${BODY}`, 'hex')}`,
    };
    expect(receive({ verify: SLACK }, { headers })).toEqual(refused);
  });
});

describe('what a verified call names', () => {
  const headersFor = (body: string) => ({ 'X-Hub-Signature-256': `sha256=${hmac(body, 'hex')}` });
  const records = (webhooks: object, value: unknown) => {
    const body = typeof value === 'string' ? value : JSON.stringify(value);
    const outcome = receive({ verify: GITHUB, ...webhooks }, { headers: headersFor(body), body });
    return outcome.kind === 'records' ? outcome.records : outcome;
  };

  it('each record once, by a map of event types; unknown types and members are ignored', () => {
    const events = [
      {
        items: '',
        record_type: { at: '/type', map: { 'contact.changed': 'contacts', 'contact.deleted': 'contacts' } },
        id: '/objectId',
      },
    ];
    expect(
      records({ events }, [
        { type: 'contact.changed', objectId: 7, more: {} },
        { type: 'contact.deleted', objectId: 7 },
        { type: 'deal.changed', objectId: 8 },
        { type: '__proto__', objectId: 9 },
        null,
        'text',
      ]),
    ).toEqual([{ recordType: 'contacts', remoteId: '7' }]);
  });

  it('every type that begins as the map says, unless it is named itself', () => {
    const map = { 'contact.*': 'contacts', 'contact.viewed': 'others' };
    const events = [{ record_type: { at: '/type', map }, id: '/id' }];
    const types = ['contact.changed', 'contact.', 'contact', 'contacts.new', 'contact.viewed'];
    expect(types.map((type) => records({ events }, { type, id: 'c1' }))).toEqual([
      [{ recordType: 'contacts', remoteId: 'c1' }],
      [{ recordType: 'contacts', remoteId: 'c1' }],
      [],
      [],
      [],
    ]);
  });

  it('an id that is too long for a double stays as it is', () => {
    expect(records({}, '{"events":[{"id":12345678901234567890}]}')).toEqual([
      { recordType: 'contacts', remoteId: '12345678901234567890' },
    ]);
  });

  it('an event without a usable id concerns the whole record type', () => {
    expect(records({}, { events: [{ id: { a: 1 } }, {}] })).toEqual([
      { recordType: 'contacts', remoteId: null },
    ]);
  });

  it('nothing, if the body is no JSON or has another shape', () => {
    expect(records({}, 'no json')).toEqual([]);
    expect(records({}, '['.repeat(200_000))).toEqual([]);
    expect(records({}, { events: 'many' })).toEqual([{ recordType: 'contacts', remoteId: null }]);
  });

  it('behind a thousand events of one call, the record type', () => {
    const many = Array.from({ length: 5_000 }, (_, id) => ({ id: String(id) }));
    const found = records({}, { events: many });
    expect(found).toHaveLength(1_001);
    expect(found).toContainEqual({ recordType: 'contacts', remoteId: null });
  });

  it('by its first thousand events, however many a call has, and also if those name nothing', () => {
    const when = { at: '/kind', is: 'contact' };
    const events = Array.from({ length: 20 }, () => ({ ...EVENTS[0], when }));
    const late = { kind: 'contact', id: 'late' };
    const behind = (others: number) =>
      records({ events }, { events: [...Array.from({ length: others }, () => 0), late] });

    expect(behind(999)).toEqual([{ recordType: 'contacts', remoteId: 'late' }]);
    expect(behind(1_000)).toEqual([{ recordType: 'contacts', remoteId: null }]);
    expect(behind(400_000)).toEqual([{ recordType: 'contacts', remoteId: null }]);
  });
});

describe('whether the address is ours', () => {
  it('Slack: a signed challenge is sent back', () => {
    const body = JSON.stringify({ type: 'url_verification', challenge: '3eZbrw1a' });
    const handshake = { type: 'body', when: { at: '/type', is: 'url_verification' }, at: '/challenge' };
    const headers = {
      'X-Slack-Request-Timestamp': seconds,
      'X-Slack-Signature': `v0=${hmac(`v0:${seconds}:${body}`, 'hex')}`,
    };
    expect(receive({ verify: SLACK, handshake }, { headers, body })).toEqual({
      kind: 'answer',
      mediaType: 'text/plain',
      text: '3eZbrw1a',
    });
    expect(receive({ verify: SLACK, handshake }, { body })).toEqual(refused);
  });

  it('Microsoft Graph: the parameter of a call without a body', () => {
    const handshake = { type: 'query', parameter: 'validationToken' };
    const url = 'https://sync.example.com/v1/incoming/token?validationToken=Validation%3A+ok';
    expect(receive({ verify: GITHUB, handshake }, { url, body: '', secret: null })).toEqual({
      kind: 'answer',
      mediaType: 'text/plain',
      text: 'Validation: ok',
    });
    expect(receive({ verify: GITHUB, handshake }, { url })).toEqual(refused);
    expect(receive({ verify: GITHUB, handshake }, { url: `${url}%0d%0aX: 1`, body: '' })).toEqual(refused);
  });

  it('Okta: the header of a GET', () => {
    const handshake = {
      type: 'header',
      header: 'X-Okta-Verification-Challenge',
      answer_key: 'verification',
    };
    const headers = { 'X-Okta-Verification-Challenge': 'abc' };
    expect(receive({ verify: GITHUB, handshake }, { method: 'GET', headers, body: '' })).toEqual({
      kind: 'answer',
      mediaType: 'application/json',
      text: '{"verification":"abc"}',
    });
  });
});

describe('a description', () => {
  const problemsOf = (webhooks: object) => {
    const config = RestConfig.parse({
      ...contactsConfig('https://app.example.com'),
      webhooks: { events: EVENTS, verify: GITHUB, ...webhooks },
    });
    return (rest.validate?.(config, {}) ?? []).map(({ pointer }) => pointer);
  };

  it.each<[string, object, string]>([
    ['that signs no body', { verify: { ...GITHUB, signed: 'x' } }, '/config/webhooks/verify/signed'],
    [
      'with an unknown variable',
      { verify: { ...GITHUB, signed: '{body}{secret}' } },
      '/config/webhooks/verify/signed',
    ],
    [
      'whose time is not signed',
      { verify: { ...GITHUB, timestamp: { header: 'X-Time' } } },
      '/config/webhooks/verify/signed',
    ],
    ['of a token in no place', { verify: { type: 'token' } }, '/config/webhooks/verify'],
    ['of one in two', { verify: { type: 'token', header: 'X', at: '/x' } }, '/config/webhooks/verify'],
    [
      'of items without a token in them',
      { verify: { type: 'token', header: 'X', items: '/x' } },
      '/config/webhooks/verify/items',
    ],
    [
      'of an unknown record type',
      { events: [{ record_type: 'deals', id: '/id' }] },
      '/config/webhooks/events/0/record_type',
    ],
  ])('%s is refused', (_name, webhooks, pointer) => {
    expect(problemsOf(webhooks)).toContain(pointer);
  });

  const create = [{ path: '/hooks', body: { url: '{address}', token: '{secret}' } }];
  const order = { create, lifetime_minutes: 1_440 };
  it.each<[string, object, string]>([
    ['that does not say where to send', { ...order, create: [{ path: '/hooks' }] }, 'create/0'],
    ['with an unknown variable', { ...order, create: [{ ...create[0], path: '/{x}' }] }, 'create/0/path'],
    ['that renews what has no id', { ...order, renew: { path: '/hooks/1' } }, 'id'],
    [
      'that creates by an id',
      { ...order, create: [{ ...create[0], path: '/{subscription_id}' }] },
      'create/0/path',
    ],
  ])('of a subscription %s is refused', (_name, subscription, place) => {
    expect(problemsOf({ subscription })).toContain(`/config/webhooks/subscription/${place}`);
  });

  it('of a subscription that is renewed by its id is accepted', () => {
    const renew = { path: '/hooks/{subscription_id}', body: { until: '{expires_at}' } };
    expect(problemsOf({ subscription: { ...order, id: '/id', renew } })).toEqual([]);
  });

  it('of a token in the query is read from a request that names a host', () => {
    const url = 'http://localhost:3000http://other/v1/incoming/token?secret=canary-secret';
    expect(receive({ verify: { type: 'token', parameter: 'secret' } }, { url })).toEqual(verified);
  });

  it('of every vendor above is accepted', () => {
    for (const verify of [SLACK, GITHUB, HUBSPOT, STRIPE, STANDARD])
      expect(problemsOf({ verify })).toEqual([]);
  });
});
