/** Bodies that carry their own signature, over one member as it was sent. */
import { createHmac } from 'node:crypto';
import { rest } from '../../../../connectors/rest';
import { RestConfig } from '../../../../connectors/rest/config/config';
import { contactsConfig } from '../rest-given';

const SECRET = 'canary-secret';
const VERIFY = { type: 'hmac', at: '/HashCode', signed: '{member:Content}' };
const EVENTS = [{ items: '/Content/items', record_type: 'contacts', id: '/id' }];

function configOf(webhooks: object) {
  const given = contactsConfig('https://app.example.com');
  return RestConfig.parse({ ...given, webhooks: { verify: VERIFY, events: EVENTS, ...webhooks } });
}

const receive = (body: string | Buffer, webhooks: object = {}) =>
  rest.incoming!(configOf(webhooks))!.receive(
    { method: 'POST', url: 'https://s/v1/incoming/t', headers: {}, body: Buffer.from(body), now: new Date() },
    SECRET,
  );

const hashOf = (text: string) => createHmac('sha256', SECRET).update(text).digest('hex').toUpperCase();
const CONTENT = '{"items":[{"id":"c1"}]}';
const HASH = hashOf(CONTENT);
const found = (...ids: string[]) => ({
  kind: 'records',
  records: ids.map((remoteId) => ({ recordType: 'contacts', remoteId })),
});
const refused = { kind: 'refused' };

it.each([
  ['compact', `{"Content":${CONTENT},"HashCode":"${HASH}"}`],
  ['in another order', `{"HashCode":"${HASH}","Content":${CONTENT}}`],
  ['with white space around it', `\n{ "Content" :\t${CONTENT} ,\r\n"HashCode": "${HASH}" }\n`],
  ['in lower case', `{"Content":${CONTENT},"HashCode":"${HASH.toLowerCase()}"}`],
  ['with members like it further down', `{"x":{"Content":{}},"Content":${CONTENT},"HashCode":"${HASH}"}`],
  ['behind characters of several bytes', `{"é😀":"ü😀","Content":${CONTENT},"HashCode":"${HASH}"}`],
  ['with an escaped name', `{"Conten\\u0074":${CONTENT},"HashCode":"${HASH}"}`],
])('a signed member is accepted %s', (_name, body) => {
  expect(receive(body)).toEqual(found('c1'));
});

it('what is signed is the text as it was sent', () => {
  const spelled = '{ "items" : [ {"id":"\\u0063\\u0031", "name":"é😀", "n":1.0e2} ] }';

  expect(receive(`{"Content":${spelled} ,"HashCode":"${hashOf(spelled)}"}`)).toEqual(found('c1'));
  expect(
    receive(`{"Content":${JSON.stringify(JSON.parse(spelled))},"HashCode":"${hashOf(spelled)}"}`),
  ).toEqual(refused);
});

const forged = '{"items":[{"id":"c2"}]}';
it.each([
  ['another content', `{"Content":${forged},"HashCode":"${HASH}"}`],
  ['a second content', `{"Content":${CONTENT},"HashCode":"${HASH}","Content":${forged}}`],
  ['a first content', `{"Content":${forged},"Content":${CONTENT},"HashCode":"${HASH}"}`],
  [
    'a second content with an escaped name',
    `{"Content":${CONTENT},"HashCode":"${HASH}","\\u0043ontent":${forged}}`,
  ],
  ['no content', `{"HashCode":"${HASH}"}`],
  ['content further down', `{"x":{"Content":${CONTENT}},"HashCode":"${HASH}"}`],
  ['a list around it', `["Content",${CONTENT},{"HashCode":"${HASH}"}]`],
  ['no hash', `{"Content":${CONTENT}}`],
  ['an empty hash', `{"Content":${CONTENT},"HashCode":""}`],
  ['a hash that is no text', `{"Content":${CONTENT},"HashCode":{"a":"${HASH}"}}`],
  ['a shorter hash', `{"Content":${CONTENT},"HashCode":"${HASH.slice(2)}"}`],
  ['broken JSON', `{"Content":${CONTENT},"HashCode":"${HASH}"`],
  ['text behind it', `{"Content":${CONTENT},"HashCode":"${HASH}"}{"Content":${forged}}`],
  ['depth', `{"Content":${'['.repeat(200_000)},"HashCode":"${HASH}"}`],
])('a body with %s is refused', (_name, body) => {
  expect(receive(body)).toEqual(refused);
});

it('a body that is no UTF-8 is refused', () => {
  const parts = [`{"x":"`, Buffer.from([0xff]), `","Content":${CONTENT},"HashCode":"${HASH}"}`];

  expect(receive(Buffer.concat(parts.map((part) => Buffer.from(part))))).toEqual(refused);
});

it('nothing outside of what is signed is read as an event', () => {
  const body = `{"Content":${CONTENT},"HashCode":"${HASH}","items":[{"id":"c2"}]}`;

  expect(receive(body, { events: [{ items: '/items', record_type: 'contacts', id: '/id' }] })).toEqual(
    found(),
  );
});

it('a body of a megabyte is verified, and names at most a thousand records', () => {
  const content = JSON.stringify({ items: Array.from({ length: 60_000 }, (_, id) => ({ id })) });
  const outcome = receive(`{"Content":${content},"HashCode":"${hashOf(content)}"}`);

  expect(outcome.kind === 'records' && outcome.records).toHaveLength(1_001);
});

it('the same signed content again names the same record, which is read again and changes nothing', () => {
  const body = `{"Content":${CONTENT},"HashCode":"${HASH}"}`;

  expect([receive(body), receive(body)]).toEqual([found('c1'), found('c1')]);
});

describe('a description', () => {
  const problemsOf = (webhooks: object) =>
    (rest.validate?.(configOf(webhooks), {}) ?? []).map(({ pointer }) => pointer);
  const header = 'X-Signature';

  it.each([
    ['of a signature in no place', { type: 'hmac' }, '/config/webhooks/verify'],
    ['of one in two', { ...VERIFY, header }, '/config/webhooks/verify'],
    ['of a body that signs itself', { ...VERIFY, signed: '{body}' }, '/config/webhooks/verify/signed'],
    [
      'of a body and a member',
      { type: 'hmac', header, signed: '{body}{member:a}' },
      '/config/webhooks/verify/signed',
    ],
  ])('%s is refused', (_name, verify, pointer) => {
    expect(problemsOf({ verify })).toContain(pointer);
  });

  it('of a signed member is accepted, with the secret of the app', () => {
    const create = [{ path: '/hooks', body: { url: '{address}' } }];
    const subscription = { create, lifetime_minutes: 1_440 };

    expect(problemsOf({ subscription: { ...subscription, secret: 'given' } })).toEqual([]);
    expect(problemsOf({ subscription })).toEqual(['/config/webhooks/subscription/create/0']);
  });
});
